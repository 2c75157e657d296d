-- The bus, the judgement's state, aggregates, incidents and pages. Plain PostgreSQL.

-- Bus: what was acknowledged, exactly as it came (ExportLogsServiceRequest).
create table bus_raw (
    partition  int not null default 0,
    "offset"   bigint generated always as identity,
    received   timestamptz not null default now(),
    peer       text,
    payload    bytea not null,
    primary key (partition, "offset")
);
create index bus_raw_received on bus_raw (received);

create table bus_offset (
    consumer   text not null,
    partition  int not null,
    "offset"   bigint not null default 0,
    epoch      bigint not null default 0,
    primary key (consumer, partition)
);

create table deadletter (
    id         bigint generated always as identity primary key,
    received   timestamptz not null default now(),
    partition  int not null,
    "offset"   bigint not null,
    reason     text not null,
    payload    bytea not null
);

-- Ids of the last hour: a client resends a batch whose acknowledgement was lost.
create table seen_event (
    id    uuid primary key,
    seen  timestamptz not null default now()
);
create index seen_event_seen on seen_event (seen);

-- The judgement's state, written with the offsets that it stands for.
create table zone_state (
    zone     text primary key,
    state    bytea not null,
    updated  timestamptz not null default now()
);
create table correlation_state (
    one      boolean primary key default true check (one),
    state    bytea not null,
    updated  timestamptz not null default now()
);
create table drill (
    zone      text primary key,
    scenario  text not null,
    started   timestamptz not null default now(),
    ended     timestamptz
);

-- Aggregates.
create table observation_minute (
    minute       timestamptz not null,
    zone         text not null,
    name         text not null,
    qtype        text not null,
    region       text not null,
    server       text not null,
    server_name  text,
    role         text not null,
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
    latency      bigint[] not null,
    primary key (zone, minute, name, qtype, region, server)
);
create index observation_minute_minute on observation_minute (minute);

create table answer_current (
    zone         text not null,
    name         text not null,
    qtype        text not null,
    region       text not null,
    server       text not null,
    server_name  text,
    role         text not null,
    outcome      text not null,
    answers      jsonb not null,
    fingerprint  text,
    ttl          bigint,
    serial       bigint,
    dnssec       text,
    time         timestamptz not null,
    since        timestamptz not null,
    primary key (zone, name, qtype, region, server)
);

create table delegation_current (
    zone   text not null,
    probe  text not null,
    time   timestamptz not null,
    body   jsonb not null,
    primary key (zone, probe)
);

-- The judgement.
create table zone_health (
    zone       text primary key,
    time       timestamptz not null,
    status     text not null,
    score      int not null,
    reasons    jsonb not null,
    agreement  double precision,
    dnssec     text,
    regions    jsonb not null
);
create table zone_health_minute (
    zone       text not null,
    minute     timestamptz not null,
    status     text not null,
    score      int not null,
    agreement  double precision,
    primary key (zone, minute)
);
create table zone_owner (
    zone         text primary key,
    owner        text not null,
    owner_name   text not null,
    criticality  text not null
);
create table finding (
    id     text not null,
    state  text not null,
    zone   text not null,
    rule   text not null,
    time   timestamptz not null,
    body   jsonb not null,
    primary key (id, state, time)
);
create table incident (
    id        text primary key,
    zone      text not null,
    rule      text not null,
    class     text not null,
    severity  text not null,
    state     text not null,
    since     timestamptz not null,
    updated   timestamptz not null,
    owner     text not null,
    title     text not null,
    drill     boolean not null,
    body      jsonb not null
);
create index incident_state on incident (state, updated desc);
create table incident_history (
    seq   bigint generated always as identity primary key,
    id    text not null,
    at    timestamptz not null default now(),
    body  jsonb not null
);

-- Pages: one for each incident and transition, delivered to each notifier.
create table outbox (
    id          bigint generated always as identity primary key,
    incident    text not null,
    transition  text not null check (transition in ('firing', 'resolved')),
    created     timestamptz not null default now(),
    body        jsonb not null,
    unique (incident, transition)
);
create table delivery (
    page       bigint not null references outbox (id) on delete cascade,
    notifier   text not null,
    attempts   int not null default 0,
    due        timestamptz not null default now(),
    delivered  timestamptz,
    error      text,
    primary key (page, notifier)
);

-- Histograms.
create function histogram_add(a bigint[], b bigint[]) returns bigint[]
    language sql immutable parallel safe
    return (select array_agg(coalesce(x, 0) + coalesce(y, 0) order by n)
            from unnest(a, b) with ordinality as both_(x, y, n));
create aggregate histogram_sum(bigint[]) (sfunc = histogram_add, stype = bigint[], parallel = safe);

-- Seconds: the upper bound of the bucket in which the quantile lies. Bounds are 0.0001 * 2^(i/4).
create function histogram_quantile(counts bigint[], share double precision) returns double precision
    language sql immutable parallel safe
    return (
        select 0.0001 * power(2, (n - 1) / 4.0)
        from (select n, sum(c) over (order by n) as seen, sum(c) over () as total
              from unnest(counts) with ordinality as u(c, n)) as running
        where total > 0 and seen >= greatest(1, ceil(share * total))
        order by n limit 1);

-- What dashboards read.
create view v_zone_minute as
    select minute, zone, region, role,
           sum(answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable
               + malformed) as total,
           sum(refused + servfail + error + timeout + unreachable + malformed + referral) as failed,
           sum(bogus) as bogus,
           histogram_sum(latency) as latency
    from observation_minute
    group by minute, zone, region, role;

create view v_region as
    select region,
           max(minute) as last_minute,
           sum(total)::bigint as questions,
           1 - sum(failed)::double precision / nullif(sum(total), 0) as answered
    from v_zone_minute
    where minute > now() - interval '5 minutes'
    group by region;

create view v_incident_open as
    select * from incident where state in ('pending', 'firing');

create view v_answer_current as
    select * from answer_current;

create view v_zone_overview as
    select o.zone, o.owner, o.owner_name, o.criticality,
           coalesce(h.status, 'unknown') as status, h.score, h.reasons, h.agreement, h.dnssec, h.regions,
           h.time as judged,
           m.last_minute, m.p50, m.p95, m.availability_hour, m.availability_day, m.questions,
           (select count(*) from incident i where i.zone = o.zone and i.state = 'firing') as firing
    from zone_owner o
    left join zone_health h using (zone)
    left join lateral (
        select max(minute) as last_minute,
               histogram_quantile(histogram_sum(latency) filter (where minute > now() - interval '15 minutes'), 0.5)
                   as p50,
               histogram_quantile(histogram_sum(latency) filter (where minute > now() - interval '15 minutes'), 0.95)
                   as p95,
               1 - (sum(failed) filter (where minute > now() - interval '1 hour'))::double precision
                   / nullif(sum(total) filter (where minute > now() - interval '1 hour'), 0) as availability_hour,
               1 - sum(failed)::double precision / nullif(sum(total), 0) as availability_day,
               sum(total)::bigint as questions
        from v_zone_minute v
        where v.zone = o.zone and v.minute > now() - interval '1 day'
    ) m on true;
