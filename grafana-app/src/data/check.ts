/** Whether a data source can give what the pages ask, and how to mend what is missing. Pure; the asking is ask.ts. */
import { FRESH, THERE, VIEWS } from './queries';
import type { Row } from './rows';
import { span } from './words';

export interface Finding {
  ok: boolean;
  says: string;
  mend?: string;
}

/** Judged later than this is stale. */
const STALE = 300;

export function views(rows: Row[]): Finding[] {
  const readable = new Map(rows.map((row) => [String(row.view), row.readable === true]));
  if (readable.size === 0) {
    return [{
      ok: false, says: 'The views are not in this database, or its login may not enter the schema dnstower.',
      mend: 'Choose the data source of the bridge’s own database; then run: kafka-bridge store reader ROLE, with the '
        + 'data source’s user as ROLE.',
    }]; // prettier-ignore
  }
  const missing = VIEWS.filter((view) => !readable.has(view));
  const closed = VIEWS.filter((view) => readable.get(view) === false);
  const found: Finding[] = [];
  if (missing.length) {
    found.push({ ok: false, says: `Missing: ${missing.join(', ')}.`,
      mend: 'The bridge is older than this app: upgrade it. It lays its views when it starts.' }); // prettier-ignore
  }
  if (closed.length) {
    found.push({ ok: false, says: `The data source’s login may not read ${closed.join(', ')}.`,
      mend: 'Run: kafka-bridge store reader ROLE, with the data source’s user as ROLE.' }); // prettier-ignore
  }
  return found.length ? found : [{ ok: true, says: `All ${VIEWS.length} views that the pages read are there.` }];
}

export function freshness(row: Row | undefined): Finding[] {
  const seconds = (key: string) => (typeof row?.[key] === 'number' ? (row[key] as number) : null);
  const [behind, silent] = [seconds('behind'), seconds('silent')];
  const zones = seconds('zones') ?? 0;
  return [
    zones > 0
      ? { ok: true, says: `${zones} ${zones === 1 ? 'zone is' : 'zones are'} watched.` }
      : { ok: false, says: 'No zone is watched.', mend: 'Name zones in the inventory and start the bridge with it.' },
    behind === null
      ? { ok: false, says: 'Nothing was judged yet.', mend: 'Start the bridge, and let a receiver send to it.' }
      : behind > STALE
        ? { ok: false, says: `The judgement is ${span(behind)} behind.`, mend: 'Does the bridge run? kafka-bridge doctor says what it waits for.' }
        : { ok: true, says: `The judgement is ${span(behind)} behind.` },
    silent === null
      ? { ok: false, says: 'No probe was ever heard.', mend: 'Point a receiver at the bridge’s OTLP endpoint.' }
      : silent > STALE
        ? { ok: false, says: `The last probe was heard ${span(silent)} ago.`, mend: 'Do the receivers run, and do they reach the bridge?' }
        : { ok: true, says: `A probe was heard ${span(silent)} ago.` },
  ]; // prettier-ignore
}

/** All of it, the views first; a query that fails is said by whoever asks. */
export async function check(ask: (sql: string) => Promise<Row[]>): Promise<Finding[]> {
  const there = views(await ask(THERE));
  return there.every(({ ok }) => ok) ? [...there, ...freshness((await ask(FRESH))[0])] : there;
}
