/**
 * Grafana's panels. Their plugins are parts of Grafana itself; what they draw with is in @grafana/ui, and that is what
 * draws here. The bands of a state timeline are in no library: ours are drawn after the same rules.
 */
import { FieldColorModeId, FieldConfigProperty, PanelPlugin, type PanelPluginMeta, type PanelProps } from '@grafana/data';
import type { ComponentType } from 'react';
import { Bands } from './bands';
import { Bars } from './bars';
import { BANDS, LINES, TABLE } from './custom';
import { Figures } from './figures';
import { Lines } from './lines';
import { Rows } from './rows';

function made(id: string, panel: ComponentType<PanelProps>, mode: FieldColorModeId, custom: Record<string, unknown>) {
  const plugin = new PanelPlugin(panel).useFieldConfig({
    standardOptions: { [FieldConfigProperty.Color]: { defaultValue: { mode } } },
    useCustomConfig: (builder) => {
      for (const [path, defaultValue] of Object.entries(custom)) {
        builder.addCustomEditor({
          id: path, path, name: path, defaultValue, process: (value: unknown) => value, shouldApply: () => true,
          editor: () => null, override: () => null,
        } as unknown as Parameters<typeof builder.addCustomEditor>[0]); // prettier-ignore
      }
    },
  });
  plugin.meta = { id, name: id, info: { version: '12.4.0' } } as PanelPluginMeta;
  return plugin;
}

export const PANELS: Record<string, PanelPlugin> = {
  timeseries: made('timeseries', Lines, FieldColorModeId.PaletteClassic, LINES),
  stat: made('stat', Figures, FieldColorModeId.Thresholds, {}),
  bargauge: made('bargauge', Bars, FieldColorModeId.Thresholds, {}),
  table: made('table', Rows, FieldColorModeId.Thresholds, TABLE),
  'state-timeline': made('state-timeline', Bands, FieldColorModeId.ContinuousGrYlRd, BANDS),
};
