import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as queries from '../../src/data/queries';
import { literal, sql } from '../../src/data/sql';

test.each([
  ['a zone', 'www.example.com', "'www.example.com'"],
  ['an empty one', '', "''"],
  ['a quote', "x'y", "convert_from(decode('782779', 'hex'), 'UTF8')"],
  ['a backslash', 'x\\', "convert_from(decode('785c', 'hex'), 'UTF8')"],
  ["Grafana's template", '${__user.email}', "convert_from(decode('247b5f5f757365722e656d61696c7d', 'hex'), 'UTF8')"],
  ['an old template', '[[zone]]', "convert_from(decode('5b5b7a6f6e655d5d', 'hex'), 'UTF8')"],
  ['a macro', '$__time(x)', "convert_from(decode('245f5f74696d65287829', 'hex'), 'UTF8')"],
  ['two bytes', 'ü', "convert_from(decode('c3bc', 'hex'), 'UTF8')"],
])('%s is a literal', (_, value, expected) => {
  expect(literal(value)).toBe(expected);
});

test('nothing that is put in is read by anybody on the way', () => {
  const hostile = ["'", '"', ';', '--', '$', '[[', '\\', '\n', '\u2028', '){'].join("x' or true");
  const text = sql`select 1 where zone = ${hostile} and $__timeFilter(t)`;
  expect(text).toMatch(/^select 1 where zone = convert_from\(decode\('[0-9a-f]+', 'hex'\), 'UTF8'\) and \$__timeFilter\(t\)$/);
});

const all = [
  queries.OVERVIEW, queries.INCIDENTS, queries.INCIDENTS_OPEN, queries.FRESH,
  ...Object.values(queries.zone('z')), ...Object.values(queries.incident('i')),
]; // prettier-ignore

test('every view that is read is one that the check looks for, and by its schema', () => {
  const read = new Set(all.flatMap((text) => [...text.matchAll(/\b(?:from|join) (\S*v_[a-z_]+)/g)].map(([, view]) => view)));
  expect([...read].sort()).toEqual(queries.VIEWS.map((view) => `dnstower.${view}`));
});

test('each of them is promised by the bridge', () => {
  const promised = readFileSync('../packages/kafka-bridge/docs/views.md', 'utf8');
  expect(queries.VIEWS.filter((view) => !promised.includes(`\`${view}\``))).toEqual([]);
});

test('no page writes a query of its own', () => {
  const folder = 'src/pages';
  const pages = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
  expect(pages.filter((text) => /\bselect .* from\b/s.test(text.toLowerCase()))).toEqual([]);
});
