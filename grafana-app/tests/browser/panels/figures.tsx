/** The stat panel: a big value for each field. */
import { type PanelProps, getDisplayValueAlignmentFactors } from '@grafana/data';
import { BigValue, type BigValueColorMode, BigValueGraphMode, type BigValueJustifyMode, type BigValueTextMode, VizRepeater, useTheme2 } from '@grafana/ui';
import { shown } from './values';

export function Figures(props: PanelProps) {
  const { data, height, options, renderCounter, width } = props;
  const theme = useTheme2();
  return (
    <VizRepeater
      source={data} getValues={() => shown(props, theme)} width={width} height={height} renderCounter={renderCounter}
      orientation={options.orientation} autoGrid
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      renderValue={({ value, alignmentFactors, count, ...size }) => (
        <BigValue
          {...size} value={value.display} count={count} alignmentFactors={alignmentFactors} theme={theme}
          graphMode={BigValueGraphMode.None} colorMode={options.colorMode as BigValueColorMode}
          justifyMode={options.justifyMode as BigValueJustifyMode} textMode={options.textMode as BigValueTextMode}
          disableWideLayout={!options.wideLayout}
        />
      )} // prettier-ignore
    />
  );
}
