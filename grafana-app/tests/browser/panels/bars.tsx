/** The bar gauge: a bar for each row, or for each field. */
import { type PanelProps, getDisplayValueAlignmentFactors } from '@grafana/data';
import { BarGauge, VizRepeater, useTheme2 } from '@grafana/ui';
import { shown } from './values';

export function Bars(props: PanelProps) {
  const { data, height, options, renderCounter, width } = props;
  const theme = useTheme2();
  return (
    <VizRepeater
      source={data} getValues={() => shown(props, theme)} width={width} height={height} renderCounter={renderCounter}
      orientation={options.orientation} itemSpacing={8} minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight} maxVizHeight={options.maxVizHeight}
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      renderValue={({ value, alignmentFactors, orientation, count, ...size }) => (
        <BarGauge
          {...size} value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          orientation={orientation} alignmentFactors={alignmentFactors} theme={theme} itemSpacing={8} lcdCellWidth={12}
          displayMode={options.displayMode} showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement} isOverflow={count > height / options.minVizHeight}
        />
      )} // prettier-ignore
    />
  );
}
