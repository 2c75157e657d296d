/** All zones, the worst first, and the incidents that are open: what an executive needs. */
import { TextLink } from '@grafana/ui';
import { INCIDENTS_OPEN, OVERVIEW } from '../data/queries';
import { json } from '../data/rows';
import { milliseconds, percent, span } from '../data/words';
import { answer } from '../parts/Answer';
import { Section } from '../parts/Section';
import { Sign } from '../parts/Sign';
import { type Column, Table } from '../parts/Table';
import { type Settings, may, zoneUrl } from '../settings';
import { type IncidentRow, IncidentTable } from './incidents';
import { page } from './scene';

export interface ZoneRow {
  zone: string;
  owner: string;
  owner_name: string | null;
  criticality: string;
  status: string;
  score: number | null;
  reasons: string | null;
  agreement: number | null;
  dnssec: string | null;
  p95: number | null;
  availability_hour: number | null;
  availability_day: number | null;
  firing: number;
  judged_ago: number | null;
}

const COLUMNS: Column<ZoneRow>[] = [
  ['Zone', ({ zone }) => (may('Editor') ? <TextLink href={zoneUrl(zone)} inline={false}>{zone}</TextLink> : zone)],
  ['Health', ({ status }) => <Sign state={status} />],
  ['Why', ({ reasons }) => <div style={{ minWidth: 240 }}>{json<string[]>(reasons, [])[0] ?? '–'}</div>],
  ['Criticality', ({ criticality }) => criticality],
  ['Owner', ({ owner, owner_name }) => <span style={{ whiteSpace: 'nowrap' }}>{owner_name || owner}</span>],
  ['Incidents', ({ firing }) => firing, 'number'],
  ['1 h', ({ availability_hour }) => percent(availability_hour), 'number'],
  ['24 h', ({ availability_day }) => percent(availability_day), 'number'],
  ['p95', ({ p95 }) => milliseconds(p95), 'number'],
  ['Agree', ({ agreement }) => percent(agreement), 'number'],
  ['DNSSEC', ({ dnssec }) => dnssec ?? '–'],
  ['Judged', ({ judged_ago }) => (judged_ago === null ? 'never' : `${span(judged_ago)} ago`), 'number'],
];

/** One sentence for all of it. */
export function summary(zones: ZoneRow[]): string {
  const count = (status: string) => zones.filter((zone) => zone.status === status).length;
  const parts = [
    [count('unhealthy'), 'unhealthy'], [count('at_risk'), 'at risk'], [count('unknown'), 'without data'],
  ] as const; // prettier-ignore
  const bad = parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`);
  const zonesWord = zones.length === 1 ? 'zone' : 'zones';
  return bad.length === 0
    ? `${zones.length === 1 ? 'The one zone is' : `All ${zones.length} zones are`} healthy.`
    : `${bad.join(', ')}, of ${zones.length} ${zonesWord}.`;
}

const NONE = 'No zone is watched yet: name zones in the inventory and start the bridge with it.';

function Zones({ rows }: { rows: ZoneRow[] }) {
  return (
    <Section title="Zones">
      <p>{summary(rows)} Shares of answered questions over 1 h and 24 h; of regions that agree.</p>
      <Table label="Zones" columns={COLUMNS} rows={rows} />
    </Section>
  );
}

export const zones = (settings: Settings) =>
  page('now-1h', [answer(settings, [OVERVIEW], (rows) => <Zones rows={rows as unknown as ZoneRow[]} />, NONE)]);

export const overview = (settings: Settings) =>
  page('now-1h', [
    answer(
      settings,
      [OVERVIEW, INCIDENTS_OPEN],
      (rows, found = []) => (
        <>
          {rows.length ? <Zones rows={rows as unknown as ZoneRow[]} /> : <p>{NONE}</p>}
          <Section title="Open incidents">
            {found.length ? <IncidentTable rows={found as unknown as IncidentRow[]} /> : <p>None.</p>}
          </Section>
        </>
      ),
      NONE
    ),
  ]);
