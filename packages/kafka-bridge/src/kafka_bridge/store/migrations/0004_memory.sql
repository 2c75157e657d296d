-- Aggregates that roll up, the history of answers and facts, and what is known of each zone.

-- Views stand in views.sql from here on and are made anew when they change.
drop view v_zone_overview, v_answer_current, v_incident_open, v_region, v_zone_minute;

-- A bucket of a latency histogram is a row, so that plain sums merge it, in every kind of roll-up.
create table latency_minute (
    minute  timestamptz not null,
    zone    text not null,
    region  text not null,
    role    text not null,
    server  text not null,
    bucket  smallint not null,
    count   bigint not null,
    primary key (zone, minute, region, role, server, bucket)
);
create index latency_minute_minute on latency_minute (minute);
insert into latency_minute
    select minute, zone, region, role, server, n - 1, sum(c)
    from observation_minute, unnest(latency) with ordinality as u(c, n)
    where c > 0
    group by 1, 2, 3, 4, 5, 6;
alter table observation_minute drop column latency;
drop aggregate histogram_sum(bigint[]);
drop function histogram_add(bigint[], bigint[]);

-- A histogram out of its rows, for histogram_quantile.
create function histogram_count(state bigint[], bucket smallint, count bigint) returns bigint[]
    language plpgsql immutable parallel safe as $$
begin
    if bucket is not null then
        state[bucket + 1] := state[bucket + 1] + count;
    end if;
    return state;
end $$;
create aggregate histogram(bucket smallint, count bigint) (
    sfunc = histogram_count, stype = bigint[], parallel = safe,
    initcond = '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}'
);

-- The whole estate, a few rows a minute. `slot` keeps workers from waiting for each other.
create table estate_minute (
    minute       timestamptz not null,
    region       text not null,
    role         text not null,
    slot         smallint not null,
    answer       bigint not null default 0,
    nodata       bigint not null default 0,
    nxdomain     bigint not null default 0,
    referral     bigint not null default 0,
    refused      bigint not null default 0,
    servfail     bigint not null default 0,
    error        bigint not null default 0,
    timeout      bigint not null default 0,
    unreachable  bigint not null default 0,
    malformed    bigint not null default 0,
    secure       bigint not null default 0,
    bogus        bigint not null default 0,
    primary key (minute, region, role, slot)
);
create table estate_day (
    day          timestamptz not null,
    region       text not null,
    role         text not null,
    slot         smallint not null,
    answer       bigint not null default 0,
    nodata       bigint not null default 0,
    nxdomain     bigint not null default 0,
    referral     bigint not null default 0,
    refused      bigint not null default 0,
    servfail     bigint not null default 0,
    error        bigint not null default 0,
    timeout      bigint not null default 0,
    unreachable  bigint not null default 0,
    malformed    bigint not null default 0,
    secure       bigint not null default 0,
    bogus        bigint not null default 0,
    primary key (day, region, role, slot)
);
create table estate_latency_minute (
    minute  timestamptz not null,
    region  text not null,
    role    text not null,
    slot    smallint not null,
    bucket  smallint not null,
    count   bigint not null,
    primary key (minute, region, role, slot, bucket)
);

-- Who answered what, from when to when. The open end is what is answered now.
create table answer_history (
    zone         text not null,
    name         text not null,
    qtype        text not null,
    region       text not null,
    server       text not null,
    since        timestamptz not null,
    until        timestamptz,
    server_name  text,
    role         text not null,
    outcome      text not null,
    answers      jsonb not null,
    ttl          bigint,
    serial       bigint,
    dnssec       text,
    primary key (zone, name, qtype, region, server, since)
);
create index answer_history_since on answer_history (since);
alter table answer_current add column changes int not null default 0;

-- An answer that differs each time (a rotation, a location) has no history worth keeping: past 500 changes a day
-- only every hour's first is noted.
create function note_first_answer() returns trigger language plpgsql as $$
begin
    insert into answer_history (zone, name, qtype, region, server, since, server_name, role, outcome, answers, ttl,
                                serial, dnssec)
    values (new.zone, new.name, new.qtype, new.region, new.server, new.since, new.server_name, new.role, new.outcome,
            new.answers, new.ttl, new.serial, new.dnssec)
    on conflict do nothing;
    return null;
end $$;
create function note_other_answer() returns trigger language plpgsql as $$
begin
    new.changes := case when date_trunc('day', new.since) = date_trunc('day', old.since) then old.changes + 1 else 1 end;
    if new.changes > 500 and date_trunc('hour', new.since) = date_trunc('hour', old.since) then
        return new;
    end if;
    update answer_history set until = new.since
    where zone = new.zone and name = new.name and qtype = new.qtype and region = new.region
        and server = new.server and until is null;
    insert into answer_history (zone, name, qtype, region, server, since, server_name, role, outcome, answers, ttl,
                                serial, dnssec)
    values (new.zone, new.name, new.qtype, new.region, new.server, new.since, new.server_name, new.role, new.outcome,
            new.answers, new.ttl, new.serial, new.dnssec)
    on conflict do nothing;
    return new;
end $$;
insert into answer_history (zone, name, qtype, region, server, since, server_name, role, outcome, answers, ttl, serial,
                            dnssec)
    select zone, name, qtype, region, server, since, server_name, role, outcome, answers, ttl, serial, dnssec
    from answer_current;
create trigger answer_first after insert on answer_current for each row execute function note_first_answer();
create trigger answer_changed before update on answer_current
    for each row when (new.since is distinct from old.since) execute function note_other_answer();

-- Facts of delegations and registrations, from when to when, as each probe saw them.
create table fact_history (
    zone   text not null,
    fact   text not null,
    probe  text not null,
    since  timestamptz not null,
    until  timestamptz,
    value  jsonb not null,
    primary key (zone, fact, probe, since)
);
create index fact_history_since on fact_history (since);
-- What could not be read is unknown, and unknown changes nothing. Sets are kept in one order.
create function note_facts() returns trigger language plpgsql as $$
declare
    name text;
    seen jsonb;
begin
    foreach name in array tg_argv loop
        seen := new.body -> name;
        if seen is null or seen = 'null' or (tg_op = 'UPDATE' and seen = old.body -> name) then
            continue;
        end if;
        if jsonb_typeof(seen) = 'array' then
            seen := (select coalesce(jsonb_agg(item order by item), '[]') from jsonb_array_elements(seen) as items (item));
        end if;
        if exists (select 1 from fact_history where zone = new.zone and fact = name and probe = new.probe
                   and until is null and value = seen) then
            continue;
        end if;
        update fact_history set until = new.time
        where zone = new.zone and fact = name and probe = new.probe and until is null;
        insert into fact_history (zone, fact, probe, since, value) values (new.zone, name, new.probe, new.time, seen)
        on conflict do nothing;
    end loop;
    return null;
end $$;
create trigger delegation_facts after insert or update on delegation_current
    for each row execute function note_facts('parent_ns', 'child_ns', 'ds', 'dnskey');
create table registration_current (
    zone   text not null,
    probe  text not null,
    time   timestamptz not null,
    body   jsonb not null,
    primary key (zone, probe)
);
create trigger registration_facts after insert or update on registration_current
    for each row execute function note_facts(
        'registrar', 'statuses', 'nameservers', 'registrant', 'transfer', 'expires', 'ds');
create table zone_change (
    id           text primary key,
    zone         text not null,
    time         timestamptz not null,
    actor        text,
    serial_from  bigint,
    serial_to    bigint,
    added        jsonb not null,
    removed      jsonb not null
);
create index zone_change_time on zone_change (zone, time desc);
create table traffic_minute (
    minute    timestamptz not null,
    zone      text not null,
    server    text not null,
    probe     text not null,
    queries   bigint not null,
    clients   bigint,
    outcomes  jsonb not null,
    top_nxdomain  jsonb not null,
    primary key (zone, minute, server, probe)
);
create index traffic_minute_minute on traffic_minute (minute);

-- When the newest event of each probe was taken in: a silent probe is seen here.
create table probe_seen (
    probe      text primary key,
    region     text,
    time       timestamptz not null,
    arrived    timestamptz not null,
    delay      double precision not null,
    events     bigint not null
);

-- Up to when each level of our own roll-ups is closed; empty on TimescaleDB, which has its own. A worker that writes
-- something older than `closing` says so in rollup_late.
create table rollup (
    level    text primary key,
    closing  timestamptz not null,
    closed   timestamptz not null
);
create table rollup_late (
    level   text not null,
    zone    text not null,
    bucket  timestamptz not null,
    noted   timestamptz not null default now(),
    primary key (level, bucket, zone)
);

-- What of ground.py's texts is in force, and on which ground it stands.
create table store_text (
    name      text primary key,
    checksum  text not null
);
