/** What the pages ask: the board's questions, of the store's public views (the bridge's docs/views.md). */
import { sql } from './sql';

/** The store's schema. A role that reads the views has no search_path of its own, so every view is named with it. */
export const SCHEMA = 'dnstower';

export const OVERVIEW = sql`
  select zone, owner, owner_name, criticality, status, score, reasons::text as reasons, agreement, dnssec, p95,
    availability_hour, availability_day, firing,
    extract(epoch from now() - judged)::double precision as judged_ago
  from dnstower.v_zone_overview
  order by array_position(array['unhealthy', 'at_risk', 'unknown', 'healthy'], status), firing desc,
    coalesce(score, 101), array_position(array['critical', 'high', 'normal'], criticality), zone`;

export const INCIDENTS_OPEN = sql`
  select id, zone, severity, state, since, owner, title, drill from dnstower.v_incident_open
  order by state, array_position(array['critical', 'warning', 'info'], severity), updated desc limit 200`;

/** Open ones first, then what was resolved in the time shown. */
export const INCIDENTS = sql`
  select id, zone, severity, state, since, owner, title, drill from dnstower.v_incident
  where state <> 'resolved' or $__timeFilter(updated)
  order by array_position(array['firing', 'pending', 'resolved'], state),
    array_position(array['critical', 'warning', 'info'], severity), updated desc limit 200`;

export const zone = (name: string) => ({
  health: sql`
    select zone, owner, owner_name, criticality, status, score, reasons::text as reasons, agreement, dnssec,
      regions::text as regions, availability_day,
      extract(epoch from now() - judged)::double precision as judged_ago
    from dnstower.v_zone_overview where zone = ${name}`,

  /** Time, name and value, for a chart. */
  latency: sql`
    select minute as time, server || ', ' || region as metric, p95::double precision as value
    from dnstower.v_latency_server_minute where zone = ${name} and $__timeFilter(minute) order by 1`,
  available: sql`
    select minute as time, region as metric,
      1 - sum(failed)::double precision / nullif(sum(total), 0) as value
    from dnstower.v_zone_minute where zone = ${name} and $__timeFilter(minute) group by 1, 2 order by 1`,
  validated: sql`
    select minute as time, state as metric, sum(n)::double precision as value
    from dnstower.v_dnssec_minute, lateral (values ('secure', secure), ('bogus', bogus)) as counted (state, n)
    where zone = ${name} and $__timeFilter(minute) group by 1, 2 order by 1`,

  servers: sql`
    select server, max(server_name) as server_name, role, string_agg(distinct region, ', ' order by region) as regions,
      sum(total)::bigint as total, 1 - sum(failed)::double precision / nullif(sum(total), 0) as answered,
      sum(bogus)::bigint as bogus, max(minute) as newest
    from dnstower.v_server_minute where zone = ${name} and $__timeFilter(minute)
    group by server, role order by answered, server limit 200`,
  answers: sql`
    select name, qtype, region, server, outcome, answers::text as answers, ttl, serial::text as serial, dnssec, since
    from dnstower.v_answer_current where zone = ${name}
    order by name, qtype, region, server limit 200`,
  propagation: sql`
    select name, qtype, region, vantages, agreeing, differs_since
    from dnstower.v_propagation_region where zone = ${name}
    order by agreeing::double precision / vantages, name, qtype, region limit 200`,

  timeline: sql`
    select * from (
      select since as time, 'incident' as kind, id, title as text, severity as note from dnstower.v_incident
      where zone = ${name}
      union all
      select updated, 'resolved', id, title, severity from dnstower.v_incident
      where zone = ${name} and state = 'resolved'
      union all
      select at, 'change', null, fact || ': ' || coalesce(before::text, '–') || ' → ' || coalesce(after::text, '–'),
        'seen by ' || probe
      from dnstower.v_transition where zone = ${name}
      union all
      select time, 'zone file', null,
        'serial ' || coalesce(serial_from::text, '?') || ' → ' || coalesce(serial_to::text, '?'),
        'by ' || coalesce(actor, 'unknown')
      from dnstower.v_zone_change where zone = ${name}
    ) as happened where $__timeFilter(time) order by time desc limit 100`,
});

export const incident = (id: string) => ({
  body: sql`
    select id, zone, owner, state, severity, since, updated, drill, body::text as body from dnstower.v_incident
    where id = ${id}`,
  calls: sql`select number, time, team, why, severity from dnstower.v_call where incident = ${id} order by number`,
  taken: sql`select at, actor, note from dnstower.v_acknowledgement where incident = ${id}`,
});

/** The views that the pages read, and what the store knows of its own freshness. */
export const VIEWS = [
  'v_acknowledgement', 'v_answer_current', 'v_call', 'v_dnssec_minute', 'v_incident', 'v_incident_open',
  'v_latency_server_minute', 'v_pipeline', 'v_probe', 'v_propagation_region', 'v_server_minute', 'v_transition',
  'v_zone_change', 'v_zone_minute', 'v_zone_overview',
]; // prettier-ignore

/** Works for any login on any database: what is there, and what of it may be read. */
export const THERE = sql`
  select c.relname as view, has_table_privilege(c.oid, 'select') as readable
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = ${SCHEMA} and c.relkind = 'v' and has_schema_privilege(n.oid, 'usage')`;

export const FRESH = sql`
  select (select max(behind) from dnstower.v_pipeline where part = 'judge') as behind,
    (select count(*) from dnstower.v_zone_overview) as zones,
    (select count(*) from dnstower.v_probe) as probes,
    (select extract(epoch from min(silent_for))::double precision from dnstower.v_probe) as silent`;
