/** The stat panel: a big value for each field. */
import { type FieldDisplay, type PanelProps, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BigValue, type BigValueColorMode, BigValueGraphMode, type BigValueJustifyMode, type BigValueTextMode, VizRepeater, useTheme2 } from '@grafana/ui';

export function Figures({ data, fieldConfig, height, options, renderCounter, replaceVariables, timeZone, width }: PanelProps) {
  const theme = useTheme2();
  const getValues = (): FieldDisplay[] =>
    getFieldDisplayValues({ fieldConfig, reduceOptions: options.reduceOptions, replaceVariables, theme, data: data.series, timeZone });
  return (
    <VizRepeater
      source={data} getValues={getValues} width={width} height={height} renderCounter={renderCounter}
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
