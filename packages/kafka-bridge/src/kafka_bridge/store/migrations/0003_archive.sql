-- Events on their way into the archive's files; a batch that is marked is being written.
create table archive_queue (
    seq     bigint generated always as identity primary key,
    queued  timestamptz not null default now(),
    event   text not null,
    enrichment  text not null,
    batch   bigint
);
create index archive_queue_batch on archive_queue (batch) where batch is not null;
create sequence archive_batch;
create table archive_file (
    path     text primary key,
    batch    bigint not null,
    events   bigint not null,
    bytes    bigint not null,
    written  timestamptz not null default now()
);

-- What replays came to. Nothing here pages.
create table shadow_run (
    run         bigint generated always as identity primary key,
    at          timestamptz not null default now(),
    "from"      timestamptz not null,
    "to"        timestamptz not null,
    comparison  jsonb not null
);
create table shadow_incident (
    run    bigint not null references shadow_run (run) on delete cascade,
    id     text not null,
    zone   text not null,
    rule   text not null,
    since  timestamptz not null,
    state  text not null,
    body   jsonb not null,
    primary key (run, id)
);
