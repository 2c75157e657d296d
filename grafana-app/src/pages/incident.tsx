/** One incident, as its page says it: what, where, what to check first, whose it is, and who was called. */
import { LinkButton, TextLink } from '@grafana/ui';
import { incident as questions } from '../data/queries';
import { type Row, json } from '../data/rows';
import { moment, percent } from '../data/words';
import { answer } from '../parts/Answer';
import { Section } from '../parts/Section';
import { Sign } from '../parts/Sign';
import { type Column, Table } from '../parts/Table';
import { type Settings, onBoard, zoneUrl } from '../settings';
import { page } from './scene';

interface Body {
  title?: string;
  what?: string;
  where?: { regions?: string[]; servers?: unknown[]; names?: string[] };
  check_first?: string[];
  runbook?: string;
  verdict?: string | null;
  confidence?: number;
  zones?: string[];
  escalate?: string[];
  resolution?: string;
  silenced?: { reason?: string; by?: string } | null;
}

const CALLS: Column<Row>[] = [
  ['When', (row) => moment(row.time as number)], ['Team', (row) => String(row.team)],
  ['Why', (row) => String(row.why)], ['Severity', (row) => String(row.severity)],
]; // prettier-ignore

/** A server by whatever its incident knows of it. */
function server(item: unknown): string {
  if (typeof item !== 'object' || item === null) {
    return String(item);
  }
  const { name, address } = item as { name?: string; address?: string };
  return [name, address].filter(Boolean).join(' ');
}

export function where(body: Body): string {
  const { regions = [], servers = [], names = [] } = body.where ?? {};
  const parts = [
    ['regions', regions], ['servers', servers.map(server)], ['names', names], ['zones', body.zones ?? []],
  ] as [string, string[]][]; // prettier-ignore
  return parts.filter(([, list]) => list.length).map(([word, list]) => `${word} ${list.join(', ')}`).join('; ') || '–'; // prettier-ignore
}

/** Text whose commands stand between backticks. */
function Commands({ text }: { text: string }) {
  return text.split('`').map((part, n) => (n % 2 ? <code key={n}>{part}</code> : part));
}

function Incident({ row, calls, taken, settings }: { row: Row; calls: Row[]; taken: Row[]; settings: Settings }) {
  const body = json<Body>(row.body, {});
  const runbook = body.runbook && onBoard(settings, `runbooks/${encodeURIComponent(body.runbook)}`);
  const board = onBoard(settings, `incidents/${encodeURIComponent(String(row.id))}`);
  return (
    <>
      <Section title={`${row.drill ? 'Drill: ' : ''}${body.title ?? row.id}`}>
        <p>
          <Sign state={String(row.state)} />, {String(row.severity)}, zone{' '}
          <TextLink href={zoneUrl(String(row.zone))}>{String(row.zone)}</TextLink>, owned by {String(row.owner)}, since{' '}
          {moment(row.since as number)}{row.state === 'resolved' && `, until ${moment(row.updated as number)}`}.
        </p>
        {body.resolution && <p>{body.resolution}</p>}
        <p><strong>What:</strong> {body.what ?? '–'}</p>
        <p><strong>Where:</strong> {where(body)}</p>
        {body.verdict && <p><strong>Verdict:</strong> {body.verdict}, confidence {percent(body.confidence)}</p>}
      </Section>
      <Section title="Check first">
        <ol style={{ marginLeft: 20 }}>{(body.check_first ?? []).map((step) => <li key={step}><Commands text={step} /></li>)}</ol>
        <p>
          {runbook ? <TextLink href={runbook} external>{`Runbook ${body.runbook}`}</TextLink> : `Runbook ${body.runbook ?? '–'}`}
          {!board && ' (the board’s address is not configured, so nothing leads there)'}
        </p>
      </Section>
      <Section title="Who has it">
        {taken.length > 0 ? (
          <p>Taken on by {String(taken[0]?.actor)} at {moment(taken[0]?.at as number)}{taken[0]?.note ? `: ${taken[0].note}` : '.'}</p>
        ) : (
          <p>Nobody has taken it on{row.state === 'firing' ? ' yet' : ''}.</p>
        )}
        {body.silenced && <p>Nobody is called: {body.silenced.reason}, says {body.silenced.by}.</p>}
        {row.state === 'firing' && taken.length === 0 && (
          <p>
            {board && <><LinkButton href={board} target="_blank" rel="noreferrer">Open it on the board</LinkButton>{' '}</>}
            Take it on by the signed link of its message, or with <code>kafka-bridge acknowledge {String(row.id)}</code>
          </p>
        )}
        {calls.length ? <Table label="Calls" columns={CALLS} rows={calls} /> : <p>Nobody was called.</p>}
      </Section>
    </>
  ); // prettier-ignore
}

export function incident(settings: Settings, id: string) {
  const asked = questions(id);
  return page('now-24h', [
    answer(
      settings,
      [asked.body, asked.calls, asked.taken],
      ([row], calls = [], taken = []) => row && <Incident row={row} calls={calls} taken={taken} settings={settings} />,
      'There is no such incident, or it is older than the store keeps.'
    ),
  ]);
}
