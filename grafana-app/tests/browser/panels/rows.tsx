/** The table panel. */
import type { PanelProps } from '@grafana/data';
import { TableNG } from '@grafana/ui/unstable';
import { Nothing } from './nothing';

export function Rows({ data, fieldConfig, height, options, timeRange, width }: PanelProps) {
  const frame = data.series[options.frameIndex ?? 0] ?? data.series[0];
  if (!frame?.fields.length) {
    return <Nothing fieldConfig={fieldConfig} />;
  }
  return (
    <TableNG
      data={frame} width={width} height={height} noHeader={!options.showHeader} showTypeIcons={options.showTypeIcons}
      cellHeight={options.cellHeight} initialSortBy={options.sortBy} timeRange={timeRange} fieldConfig={fieldConfig}
      structureRev={data.structureRev} resizable enableVirtualization={false}
    /> // prettier-ignore
  );
}
