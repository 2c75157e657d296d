/** Incidents as a list. */
import { TextLink } from '@grafana/ui';
import { INCIDENTS } from '../data/queries';
import { moment } from '../data/words';
import { answer } from '../parts/Answer';
import { Section } from '../parts/Section';
import { Sign } from '../parts/Sign';
import { type Column, Table } from '../parts/Table';
import { type Settings, incidentUrl, may } from '../settings';
import { page } from './scene';

export interface IncidentRow {
  id: string;
  zone: string;
  severity: string;
  state: string;
  since: number;
  owner: string;
  title: string;
  drill: boolean;
}

const COLUMNS: Column<IncidentRow>[] = [
  ['State', ({ state }) => <Sign state={state} />],
  ['Severity', ({ severity }) => severity],
  ['What', ({ id, title, drill }) => {
    const text = `${drill ? 'Drill: ' : ''}${title}`;
    return may('Editor') ? <TextLink href={incidentUrl(id)} inline={false}>{text}</TextLink> : text;
  }],
  ['Zone', ({ zone }) => zone],
  ['Owner', ({ owner }) => owner],
  ['Since', ({ since }) => moment(since), 'number'],
]; // prettier-ignore

export function IncidentTable({ rows }: { rows: IncidentRow[] }) {
  return <Table label="Incidents" columns={COLUMNS} rows={rows} />;
}

export function incidents(settings: Settings) {
  return page('now-24h', [
    answer(
      settings,
      [INCIDENTS],
      (found) => (
        <Section title="Open, then resolved">
          <IncidentTable rows={found as unknown as IncidentRow[]} />
        </Section>
      ),
      'No incident is open, and none was resolved in the time shown.'
    ),
  ]);
}
