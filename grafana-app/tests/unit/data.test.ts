import type { DataFrame } from '@grafana/data';
import { expect, test, vi } from 'vitest';
import { check, freshness, views } from '../../src/data/check';
import { fault } from '../../src/data/faults';
import { FRESH, THERE, VIEWS } from '../../src/data/queries';
import { json, rows } from '../../src/data/rows';
import { milliseconds, moment, percent, span } from '../../src/data/words';

test.each([
  [percent, null, '–'], [percent, 1, '100 %'], [percent, 0.99999, '99.99 %'], [percent, 0.5, '50 %'], [percent, 0, '0 %'],
  [milliseconds, null, '–'], [milliseconds, 0.0043, '4.3 ms'], [milliseconds, 0.0304, '30 ms'],
  [span, null, 'never'], [span, -3, '0 s'], [span, 99, '99 s'], [span, 600, '10 min'], [span, 7200, '2 h'], [span, 345_600, '4 days'],
])('%o of %s is %s', (say, value, text) => {
  expect(say(value)).toBe(text);
}); // prettier-ignore

test.each([
  [null, '–'], [0, '1970-01-01 00:00:00 UTC'], ['2026-11-23T10:00:00.5Z', '2026-11-23 10:00:00 UTC'], ['soon', 'soon'],
])('the moment %s is %s', (value, text) => {
  expect(moment(value)).toBe(text);
}); // prettier-ignore

test('a frame is rows, and no frame is none', () => {
  const fields = [{ name: 'zone', values: ['a', 'b'] }, { name: 'score', values: [1, undefined] }];
  const frame = { fields, length: 2 } as unknown as DataFrame;
  expect(rows(frame)).toEqual([{ zone: 'a', score: 1 }, { zone: 'b', score: null }]);
  expect(rows(undefined)).toEqual([]);
});

test.each([['["a"]', ['a']], ['{', []], ['null', []], [null, []]])('jsonb %s', (text, value) => {
  expect(json(text, [])).toEqual(value);
});

test.each([
  ['relation "dnstower.v_probe" does not exist', 'The views are not in this database'],
  ['permission denied for schema dnstower', 'The data source may not read the views'],
  ['password authentication failed for user "x"', 'PostgreSQL refuses the data source’s login'],
  ['dial tcp 127.0.0.1:5432: connect: connection refused', 'The store does not answer'],
  ['Datasource was not found', 'The chosen data source is gone'],
  ['something else', 'The store could not be asked'],
])('%s is said as: %s', (message, title) => {
  expect(fault(message).title).toBe(title);
});

const there = VIEWS.map((view) => ({ view, readable: true }));

test.each([
  ['none', [], 'not in this database'],
  ['one less', there.slice(1), `Missing: ${VIEWS[0]}.`],
  ['one closed', there.map((row, n) => ({ ...row, readable: n > 0 })), `may not read ${VIEWS[0]}.`],
])('views, %s: it says so, and how to mend it', (_, found, text) => {
  const [finding] = views(found);
  expect(finding).toMatchObject({ ok: false, says: expect.stringContaining(text), mend: expect.any(String) });
});

test.each([
  ['fresh', { zones: 1, behind: 10, silent: 5 }, [true, true, true]],
  ['stale', { zones: 2, behind: 3000, silent: 3000 }, [true, false, false]],
  ['empty', { zones: 0, behind: null, silent: null }, [false, false, false]],
  ['no row', undefined, [false, false, false]],
])('freshness, %s', (_, row, expected) => {
  const found = freshness(row);
  expect(found.map(({ ok }) => ok)).toEqual(expected);
  expect(found.every(({ ok, mend }) => ok || mend)).toBe(true);
});

test('freshness is asked for only where the views are there', async () => {
  const ask = vi.fn(async (text: string) => (text === THERE ? there : [{ zones: 1, behind: 1, silent: 1 }]));
  expect((await check(ask)).every(({ ok }) => ok)).toBe(true);
  expect(ask).toHaveBeenCalledWith(FRESH);
  const nothing = vi.fn(async () => []);
  expect(await check(nothing)).toHaveLength(1);
  expect(nothing).toHaveBeenCalledTimes(1);
});
