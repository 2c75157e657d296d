-- InfluxDB: what each minute was when its points were written. A minute that is another one now is written again.
create table influx_minute (
    minute     timestamptz primary key,
    target     text not null,
    counted    bigint not null,
    health     bigint not null,
    incidents  text not null,
    refused    int not null default 0,
    reason     text,
    written    timestamptz not null,
    settled    boolean not null default false
);

-- A minute's health is read as a whole, and goes as a whole when it is old.
create index zone_health_minute_minute on zone_health_minute (minute);
