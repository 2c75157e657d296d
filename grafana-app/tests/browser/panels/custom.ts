/** What each panel lets one say of a field beside the standard, and what it is if nobody says it. */
import {
  AxisColorMode, AxisPlacement, BarAlignment, GraphDrawStyle, type GraphFieldConfig, GraphGradientMode,
  GraphThresholdsStyleMode, GraphTransform, LineInterpolation, ScaleDistribution, StackingMode, TableCellDisplayMode,
  type TableFieldOptions, VisibilityMode,
} from '@grafana/schema'; // prettier-ignore

/** The schema's own keys: one that it does not have is an error of types, and so is one left out. */
type All<T> = Record<keyof Required<T>, unknown>;

const EDITED = {
  drawStyle: GraphDrawStyle.Line, gradientMode: GraphGradientMode.None, insertNulls: false, showValues: false,
  thresholdsStyle: { mode: GraphThresholdsStyleMode.Off }, transform: undefined as GraphTransform | undefined,
  lineColor: undefined, lineInterpolation: LineInterpolation.Linear, lineStyle: undefined, lineWidth: 1,
  spanNulls: false, fillBelowTo: undefined, fillColor: undefined, fillOpacity: 0, pointColor: undefined, pointSize: 5,
  pointSymbol: undefined, showPoints: VisibilityMode.Auto, axisBorderShow: false, axisCenteredZero: false,
  axisColorMode: AxisColorMode.Text, axisGridShow: undefined, axisLabel: '', axisPlacement: AxisPlacement.Auto,
  axisSoftMax: undefined, axisSoftMin: undefined, axisWidth: undefined,
  scaleDistribution: { type: ScaleDistribution.Linear }, barAlignment: BarAlignment.Center, barMaxWidth: undefined,
  barWidthFactor: 0.6, stacking: { mode: StackingMode.None, group: 'A' },
  hideFrom: { viz: false, legend: false, tooltip: false },
} satisfies All<GraphFieldConfig>; // prettier-ignore
export const LINES: Record<string, unknown> = EDITED;

const CELLS = {
  align: 'auto', cellOptions: { type: TableCellDisplayMode.Auto }, filterable: undefined, footer: undefined,
  hideFrom: { viz: false }, hideHeader: undefined, inspect: false, minWidth: undefined, styleField: undefined,
  tooltip: undefined, width: undefined, wrapHeaderText: undefined, wrapText: undefined,
} satisfies Omit<All<TableFieldOptions>, 'displayMode' | 'hidden'>; // prettier-ignore
export const TABLE: Record<string, unknown> = CELLS;

export const BANDS: Record<string, unknown> = { lineWidth: 0, fillOpacity: 70, spanNulls: false, axisWidth: undefined, hideFrom: undefined };
