/** The state timeline: a band for each field, a block for each state, which lasts until the next one. */
import { type Field, FieldType, type PanelProps, dateTimeFormat, formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { measureText, useTheme2 } from '@grafana/ui';
import { Nothing } from './nothing';

interface Block { from: number; to: number; value: unknown }

const AXIS = 24;
const SIZE = 12;
const MINUTE = 60_000;
const STEPS = [1, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map((minutes) => minutes * MINUTE);

export function Bands({ data, fieldConfig, height, options, timeRange, timeZone, width }: PanelProps) {
  const { colors } = useTheme2();
  const [start, end] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const bands = data.series.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time);
    const named = (field: Field) => getFieldDisplayName(field, frame, data.series);
    return !time ? [] : frame.fields.filter(({ type }) => type !== FieldType.time)
      .map((field) => ({ field, name: named(field), blocks: blocks(time.values, field.values, start, end, options.mergeValues) }));
  }); // prettier-ignore
  if (!bands.some(({ blocks }) => blocks.length)) {
    return <Nothing fieldConfig={fieldConfig} />;
  }
  const left = Math.min(Math.max(...bands.map(({ name }) => measureText(name, SIZE).width)) + 16, width / 3);
  const x = (at: number) => left + ((at - start) / (end - start)) * (width - left);
  const step = STEPS.find((each) => (end - start) / each < (width - left) / 100) ?? 10080 * MINUTE;
  const ticks = Array.from({ length: Math.floor(end / step) - Math.floor(start / step) }, (_, n) => (Math.floor(start / step) + n + 1) * step);
  const row = (height - AXIS) / bands.length;
  const tall = row * options.rowHeight;
  return (
    <svg width={width} height={height} style={{ display: 'block', fontSize: SIZE }}>
      {bands.map(({ field, name, blocks }, n) => (
        <g key={name + String(n)} transform={`translate(0,${n * row})`}>
          <text x={left - 12} y={row / 2} dy="0.35em" textAnchor="end" fill={colors.text.primary}>{cut(name, left - 12)}</text>
          {blocks.map(({ from, to, value }) => {
            const shown = field.display?.(value) ?? { text: String(value), color: '#808080', numeric: NaN };
            const wide = x(to) - x(from);
            return (
              <g key={from}>
                <rect x={x(from)} y={(row - tall) / 2} width={wide} height={tall} fill={shown.color} fillOpacity={(field.config.custom?.fillOpacity ?? 70) / 100} />
                {options.showValue !== 'never' && tall > 11 && wide > 24 && (
                  <text x={x(from) + 4} y={row / 2} dy="0.35em" fill="#fff">{cut(formattedValueToString(shown), wide - 6)}</text>
                )}
              </g>
            );
          })}
        </g>
      ))}
      {ticks.map((tick) => (
        <text key={tick} x={x(tick)} y={height - 6} textAnchor="middle" fill={colors.text.primary}>
          {dateTimeFormat(tick, { timeZone, format: end - start > 2880 * MINUTE ? 'MM/DD HH:mm' : 'HH:mm' })}
        </text>
      ))}
    </svg>
  ); // prettier-ignore
}

/** A state lasts until another is known; `null` ends it, and what was never said (undefined) does not. */
function blocks(times: number[], values: unknown[], start: number, end: number, merge: boolean): Block[] {
  const found: Block[] = [];
  times.forEach((time, n) => {
    const [value, last] = [values[n], found.at(-1)];
    if (value === undefined || time > end) return;
    if (last) last.to = Math.min(Math.max(time, start), end);
    if (merge && last?.value === value) last.to = end;
    else found.push({ from: Math.max(time, start), to: end, value });
  });
  return found.filter(({ from, to, value }) => value !== null && to > from);
}

function cut(text: string, room: number) {
  const { width } = measureText(text, SIZE);
  return width <= room ? text : `${text.slice(0, Math.floor((text.length * room) / width) - 1)}…`;
}
