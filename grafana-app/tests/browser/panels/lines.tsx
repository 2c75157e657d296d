/** The time series panel: lines, and what happened meanwhile as annotations. */
import { type DataFrame, FieldType, type PanelProps } from '@grafana/data';
import { TimeSeries, type UPlotConfigBuilder, useTheme2 } from '@grafana/ui';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { Nothing } from './nothing';

export function Lines({ data, fieldConfig, height, options, timeRange, timeZone, width }: PanelProps) {
  const frames = data.series.filter(({ length, fields }) => length > 0 && fields.some(({ type }) => type === FieldType.number));
  if (!frames.length) {
    return <Nothing fieldConfig={fieldConfig} />;
  }
  return (
    <TimeSeries
      frames={frames} structureRev={data.structureRev} width={width} height={height} timeRange={timeRange}
      timeZone={timeZone} legend={options.legend} options={options}
    >
      {(config) => <Marks config={config} frames={data.annotations ?? []} />}
    </TimeSeries>
  ); // prettier-ignore
}

/** A dashed line at each moment, and a shade as long as it lasted. */
function Marks({ config, frames }: { config: UPlotConfigBuilder; frames: DataFrame[] }) {
  const theme = useTheme2();
  const drawn = useRef(frames);
  drawn.current = frames;
  const plotted = useRef<{ redraw: () => void }>();
  useLayoutEffect(() => {
    config.addHook('init', (plot) => {
      plotted.current = plot;
    });
    config.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      for (const frame of drawn.current) {
        const column = (wanted: string) => frame.fields.find(({ name }) => name === wanted)?.values;
        for (let row = 0; row < frame.length; row++) {
          const [from, to] = [column('time')?.[row], column('timeEnd')?.[row]];
          const colour = theme.visualization.getColorByName(column('color')?.[row] ?? 'red');
          const x = plot.valToPos(from, 'x', true);
          ctx.strokeStyle = ctx.fillStyle = colour;
          ctx.lineWidth = 1;
          ctx.setLineDash([4, 3]);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          if (to) {
            ctx.globalAlpha = 0.1;
            ctx.fillRect(x, bbox.top, plot.valToPos(to, 'x', true) - x, bbox.height);
            ctx.globalAlpha = 1;
          }
        }
      }
      ctx.restore();
    });
  }, [config, theme]);
  // They may come after the lines.
  useEffect(() => plotted.current?.redraw(), [frames]);
  return null;
}
