/** What the panels show that draw a thing for each row, or for each field. */
import { type FieldDisplay, type GrafanaTheme2, type PanelProps, getFieldDisplayValues } from '@grafana/data';

export function shown({ data, fieldConfig, options, replaceVariables, timeZone }: PanelProps, theme: GrafanaTheme2): FieldDisplay[] {
  return getFieldDisplayValues({ fieldConfig, reduceOptions: options.reduceOptions, replaceVariables, theme, data: data.series, timeZone });
}
