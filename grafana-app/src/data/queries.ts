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
