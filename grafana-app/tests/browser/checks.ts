/** What Grafana leaves out in silence, as sentences: a panel, a property, a unit, a column that is not there. */
import { type DataFrame, type FieldConfigSource, fieldMatchers, getFieldDisplayName, getValueFormatterIndex, standardTransformersRegistry } from '@grafana/data';
import { VizPanel, sceneGraph } from '@grafana/scenes';
import type { Panel } from '@grafana/schema';
import { PANELS } from './panels';

/** Units that are made up in place, as `suffix:`. */
const MADE_UP = /^(prefix|suffix|time|si|count|currency|bool):/;

/** What is wrong with a panel's JSON, whatever its queries answer. */
export function faults(panel: Panel): string[] {
  const plugin = PANELS[panel.type];
  if (!plugin) return [`no panel is called ${panel.type}`];
  const { defaults, overrides } = panel.fieldConfig as FieldConfigSource;
  const { custom = {}, ...plain } = defaults;
  const said: [string, unknown][] = [
    ...Object.entries(plain), ...Object.entries(custom).map(([name, value]): [string, unknown] => [`custom.${name}`, value]),
    ...overrides.flatMap(({ properties }) => properties.map(({ id, value }): [string, unknown] => [id, value])),
  ]; // prettier-ignore
  return [
    ...said.filter(([id]) => !plugin.fieldConfigRegistry.getIfExists(id)).map(([id]) => `${panel.type} has no property ${id}`),
    ...said.filter(([id, unit]) => id === 'unit' && !known(String(unit))).map(([, unit]) => `Grafana knows no unit ${unit}`),
    ...overrides.filter(({ matcher }) => !fieldMatchers.getIfExists(matcher.id)).map(({ matcher }) => `Grafana knows no matcher ${matcher.id}`),
    ...(panel.transformations ?? []).filter(({ id }) => !standardTransformersRegistry.getIfExists(id)).map(({ id }) => `Grafana knows no transformation ${id}`),
  ];
}

function known(unit: string) {
  return unit in getValueFormatterIndex() || MADE_UP.test(unit);
}

/** What is wrong with what a panel has got: errors, and columns that an override or a sort names and nobody gives. */
export function missing(panel: VizPanel): string[] {
  const data = sceneGraph.getData(panel).state.data;
  const errors = [...(data?.errors ?? []), ...(data?.error ? [data.error] : [])].map(({ message }) => message ?? 'an error without a message');
  const frames = data?.series ?? [];
  if (errors.length || empty(frames)) return errors;
  const columns = frames.flatMap((frame) => frame.fields.map((field) => getFieldDisplayName(field, frame, frames)));
  return panel.state.fieldConfig.overrides
    .filter(({ matcher }) => matcher.id === 'byName' && !columns.includes(matcher.options))
    .map(({ matcher }) => `an override is for ${matcher.options}, and there is ${columns.join(', ')}`);
}

export function empty(frames: DataFrame[]): boolean {
  return frames.every(({ length }) => length === 0);
}
