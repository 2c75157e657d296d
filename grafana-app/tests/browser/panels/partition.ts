/** A frame for each value of some columns, which become labels: the one transformation of ours that no library has. */
import { type DataFrame, type DataTransformerInfo, DataTransformerID } from '@grafana/data';
import { map } from 'rxjs';

interface Options { fields: string[]; keepFields?: boolean; naming?: { asLabels?: boolean } }

export const partitionByValues: DataTransformerInfo<Options> = {
  id: DataTransformerID.partitionByValues,
  name: 'Partition by values',
  defaultOptions: {},
  operator: (options) => map((frames) => frames.flatMap((frame) => parts(frame, options))),
};

function parts(frame: DataFrame, { fields: names, keepFields, naming }: Options): DataFrame[] {
  const keys = frame.fields.filter(({ name }) => names.includes(name));
  if (!keys.length) return [frame];
  const rows = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row++) {
    const key = JSON.stringify(keys.map(({ values }) => values[row]));
    rows.set(key, [...(rows.get(key) ?? []), row]);
  }
  return [...rows.values()].map((of) => ({
    ...frame,
    length: of.length,
    fields: frame.fields.filter((field) => keepFields || !keys.includes(field)).map((field) => ({
      ...field,
      values: of.map((row) => field.values[row]),
      labels: naming?.asLabels
        ? { ...field.labels, ...Object.fromEntries(keys.map(({ name, values }) => [name, String(values[of[0] ?? 0])])) }
        : field.labels,
      state: undefined,
    })),
  })); // prettier-ignore
}
