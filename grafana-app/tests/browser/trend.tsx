/** Stands for the time series panel, which is a part of Grafana and of none of its libraries: lines, and their names. */
import { FieldType, type PanelProps, getFieldDisplayName } from '@grafana/data';

const COLOURS = ['#73bf69', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#fade2a'];

export function Trend({ data, width, height }: PanelProps) {
  const { from, to } = data.timeRange;
  const lines = data.series.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time);
    return frame.fields
      .filter(({ type }) => type === FieldType.number)
      .map((field) => ({ name: getFieldDisplayName(field, frame, data.series), time: time?.values ?? [], values: field.values }));
  });
  const most = Math.max(...lines.flatMap(({ values }) => values as number[]), 1e-9);
  const room = Math.max(height - 24, 10);
  const x = (at: number) => (((at - from.valueOf()) / (to.valueOf() - from.valueOf())) * width).toFixed(1);
  const y = (value: number) => (room - (value / most) * (room - 4)).toFixed(1);
  return (
    <div data-testid="trend">
      <svg width={width} height={room}>
        {lines.map(({ name, time, values }, n) => (
          <polyline
            key={name + String(n)} fill="none" stroke={COLOURS[n % COLOURS.length]} strokeWidth={1.5}
            points={values.map((value, i) => `${x(time[i])},${y(value)}`).join(' ')}
          />
        ))}
      </svg>
      {lines.map(({ name }, n) => <small key={name + String(n)} style={{ color: COLOURS[n % COLOURS.length], marginRight: 12 }}>{name}</small>)}
    </div>
  );
}
