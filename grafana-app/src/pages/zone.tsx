/** One zone: how it is and why, what its servers answer to whom, and what happened. */
import { PanelBuilders, SceneFlexItem, SceneFlexLayout } from '@grafana/scenes';
import { TextLink } from '@grafana/ui';
import { zone as questions } from '../data/queries';
import { type Row, json } from '../data/rows';
import { moment, percent, span } from '../data/words';
import { answer, ask } from '../parts/Answer';
import { Section } from '../parts/Section';
import { Sign } from '../parts/Sign';
import { type Column, Table } from '../parts/Table';
import { type Settings, incidentUrl } from '../settings';
import type { ZoneRow } from './overview';
import { page } from './scene';

const REGIONS: Record<string, string> = { ok: 'healthy', failing: 'unhealthy', unknown: 'unknown' };
const text = (row: Row, key: string) => (row[key] === null ? '–' : String(row[key]));
const plain = (head: string, key: string): Column<Row> => [head, (row) => text(row, key)];

const SERVERS: Column<Row>[] = [
  ['Server', (row) => [row.server_name, row.server].filter(Boolean).join(', ')],
  plain('Role', 'role'), plain('Asked from', 'regions'),
  ['Questions', (row) => text(row, 'total'), 'number'],
  ['Answered', (row) => percent(row.answered as number), 'number'],
  ['Bogus', (row) => text(row, 'bogus'), 'number'],
  ['Newest', (row) => moment(row.newest as number), 'number'],
]; // prettier-ignore

const ANSWERS: Column<Row>[] = [
  ['Question', (row) => `${text(row, 'name')} ${text(row, 'qtype')}`], plain('Region', 'region'),
  plain('Server', 'server'), plain('Outcome', 'outcome'),
  ['Answer', (row) => json<unknown[]>(row.answers, []).map(rdata).join(', ') || '–'],
  ['TTL', (row) => text(row, 'ttl'), 'number'], plain('DNSSEC', 'dnssec'),
  ['Since', (row) => moment(row.since as number), 'number'],
]; // prettier-ignore

const PROPAGATION: Column<Row>[] = [
  ['Question', (row) => `${text(row, 'name')} ${text(row, 'qtype')}`], plain('Region', 'region'),
  ['Agree', (row) => `${text(row, 'agreeing')} of ${text(row, 'vantages')}`, 'number'],
  ['Differs since', (row) => moment(row.differs_since as number), 'number'],
]; // prettier-ignore

/** An answer as it is kept: its data, with the type where it is not clear. */
function rdata(item: unknown): string {
  return typeof item === 'object' && item !== null && 'data' in item ? String(item.data) : String(item);
}

function Health({ row }: { row: ZoneRow & { regions: string | null } }) {
  const reasons = json<string[]>(row.reasons, []);
  return (
    <Section title="Health">
      <p>
        <Sign state={row.status} />, {row.criticality}, owned by {row.owner_name || row.owner};{' '}
        {percent(row.availability_day)} of questions answered in 24 h; DNSSEC {row.dnssec ?? 'not checked'};{' '}
        {row.judged_ago === null ? 'never judged' : `judged ${span(row.judged_ago)} ago`}.
      </p>
      {reasons.length > 0 && <ul style={{ marginLeft: 20 }}>{reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>}
      {Object.entries(json<Record<string, string>>(row.regions, {})).map(([region, state]) => (
        <span key={region} style={{ marginRight: 24 }}>{region} <Sign state={REGIONS[state] ?? 'unknown'} word={state} /></span>
      ))}
    </Section>
  ); // prettier-ignore
}

function Timeline({ rows }: { rows: Row[] }) {
  return (
    <ol aria-label="Timeline" style={{ listStyle: 'none' }}>
      {rows.map((row, n) => (
        <li key={n} style={{ padding: '4px 0 4px 12px', borderLeft: '2px solid currentColor' }}>
          <small>{moment(row.time as number)}, {text(row, 'kind')}, {text(row, 'note')}</small>
          <div>{row.id ? <TextLink href={incidentUrl(String(row.id))}>{text(row, 'text')}</TextLink> : text(row, 'text')}</div>
        </li>
      ))}
    </ol>
  ); // prettier-ignore
}

const table = (settings: Settings, query: string, title: string, columns: Column<Row>[], none: string) =>
  answer(settings, [query], (rows) => (
    <Section title={title}>{rows.length ? <Table label={title} columns={columns} rows={rows} /> : <p>{none}</p>}</Section>
  ));

function chart(settings: Settings, query: string, title: string, unit: string, max?: number) {
  const panel = PanelBuilders.timeseries().setTitle(title).setUnit(unit).setMin(0).setNoValue('Nothing in the time shown.')
    .setData(ask(settings, [query], 'time_series')); // prettier-ignore
  return new SceneFlexItem({ minHeight: 220, minWidth: 320, body: (max ? panel.setMax(max) : panel).build() });
}

export function zone(settings: Settings, name: string) {
  const asked = questions(name);
  return page('now-1h', [
    answer(
      settings, [asked.health],
      ([row]) => <Health row={row as unknown as ZoneRow & { regions: string | null }} />,
      `No zone ${name} is watched: the inventory does not name it.`
    ),
    new SceneFlexItem({
      body: new SceneFlexLayout({
        direction: 'row', wrap: 'wrap',
        children: [
          chart(settings, asked.latency, 'Round trip, p95 by server and region', 's'),
          chart(settings, asked.available, 'Answered by region', 'percentunit', 1),
          chart(settings, asked.validated, 'DNSSEC: validated answers', 'short'),
        ],
      }),
    }),
    answer(settings, [asked.timeline], (rows) => (
      <Section title="What happened">
        {rows.length ? <Timeline rows={rows} /> : <p>No change and no incident in the time shown.</p>}
      </Section>
    )),
    table(settings, asked.propagation, 'Propagation by region', PROPAGATION, 'Nothing was answered in the last 15 minutes.'),
    table(settings, asked.servers, 'Servers', SERVERS, 'No server was asked in the time shown.'),
    table(settings, asked.answers, 'Answers by region', ANSWERS, 'No answer is known.'),
  ]); // prettier-ignore
}

