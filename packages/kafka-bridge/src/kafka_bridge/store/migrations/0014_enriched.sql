-- Ids of the last hour that came enriched from a job on another engine, which are queued for the archive once.
create table seen_enriched (
    id    uuid primary key,
    seen  timestamptz not null default now()
);
create index seen_enriched_seen on seen_enriched (seen);
