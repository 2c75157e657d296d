-- Evidence: what happened, in a chain of hashes that nobody alters unseen.

-- On its way into the chain, written in the transaction of what it is about.
create table evidence_queue (
    queued  bigint generated always as identity primary key,
    kind    text not null,
    zone    text,
    time    timestamptz not null,
    source  text[] not null default '{}',
    body    text not null
);

create table evidence (
    seq       bigint primary key,
    recorded  timestamptz not null,
    kind      text not null,
    zone      text,
    time      timestamptz not null,
    source    text[] not null,
    body      text not null,
    digest    bytea not null,
    previous  bytea not null,
    hash      bytea not null
);
create index evidence_zone on evidence (zone, time);

create function evidence_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'evidence is append-only';
end $$;
create trigger evidence_is_kept before update or delete or truncate on evidence
    for each statement execute function evidence_is_kept();

create function evidence_of() returns trigger language plpgsql as $$
begin
    case tg_table_name
        when 'fact_history' then
            insert into evidence_queue (kind, zone, time, body) values ('fact', new.zone, new.since,
                jsonb_build_object('fact', new.fact, 'probe', new.probe, 'value', new.value)::text);
        when 'zone_change' then
            insert into evidence_queue (kind, zone, time, source, body) values ('zone_change', new.zone, new.time,
                array[new.id], (to_jsonb(new) - 'zone' - 'time')::text);
        when 'incident_history' then
            if new.body ->> 'state' in ('firing', 'resolved') then
                insert into evidence_queue (kind, zone, time, source, body) values ('incident', new.body ->> 'zone',
                    (new.body ->> 'updated')::timestamptz,
                    (select coalesce(array_agg(id), '{}') from jsonb_array_elements_text(new.body -> 'evidence') as e (id)),
                    new.body::text);
            end if;
        else
            insert into evidence_queue (kind, time, body) values ('audit', new.at,
                jsonb_build_object('actor', new.actor, 'action', new.action, 'detail', new.detail)::text);
    end case;
    return null;
end $$;
create trigger evidence_of_facts after insert on fact_history for each row execute function evidence_of();
create trigger evidence_of_changes after insert on zone_change for each row execute function evidence_of();
create trigger evidence_of_incidents after insert on incident_history for each row execute function evidence_of();
create trigger evidence_of_deeds after insert on audit_log for each row execute function evidence_of();
