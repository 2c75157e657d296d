/** A dashboard's JSON as the objects that Grafana makes of it: its grid, variables, annotations, queries. */
import {
  DataSourceVariable, EmbeddedScene, QueryVariable, SceneControlsSpacer,
  SceneDataLayerSet, SceneDataTransformer, SceneGridItem, SceneGridLayout, SceneGridRow, SceneQueryRunner, SceneRefreshPicker,
  SceneTimePicker, SceneTimeRange, SceneVariableSet, VariableValueSelectors, VizPanel, behaviors, dataLayers,
} from '@grafana/scenes'; // prettier-ignore
import type { AnnotationQuery, Dashboard, DataQuery, Panel, RowPanel, VariableModel } from '@grafana/schema';

export type Board = Omit<Dashboard, 'panels'> & { panels: (Panel | RowPanel)[] };

export function scene(board: Board): EmbeddedScene {
  return new EmbeddedScene({
    $timeRange: new SceneTimeRange({ from: board.time?.from, to: board.time?.to, timeZone: 'utc' }),
    $variables: new SceneVariableSet({ variables: (board.templating?.list ?? []).map(variable) }),
    $data: new SceneDataLayerSet({ layers: (board.annotations?.list ?? []).map(layer) }),
    $behaviors: [new behaviors.CursorSync({ sync: board.graphTooltip ?? 0 })],
    controls: [
      new VariableValueSelectors({}), new SceneControlsSpacer(),
      new SceneTimePicker({}), new SceneRefreshPicker({ refresh: board.refresh }),
    ], // prettier-ignore
    body: new SceneGridLayout({ children: grid(board.panels) }),
  });
}

function variable(model: VariableModel) {
  const shared = { name: model.name, label: model.label };
  if (model.type === 'datasource') return new DataSourceVariable({ ...shared, pluginId: model.query as string });
  return new QueryVariable({
    ...shared, datasource: model.datasource, query: model.query as string, refresh: model.refresh, sort: model.sort,
    isMulti: model.multi, includeAll: model.includeAll, allValue: model.allValue,
    value: model.current?.value, text: model.current?.text,
  }); // prettier-ignore
}

function layer(query: AnnotationQuery & { target?: DataQuery }) {
  return new dataLayers.AnnotationsDataLayer({ name: query.name, query: { ...query, enable: true } as never });
}

/** Panels behind an open row are that row's. */
function grid(panels: (Panel | RowPanel)[]) {
  const found: (SceneGridItem | SceneGridRow)[] = [];
  for (const panel of panels) {
    const place = { x: panel.gridPos?.x, y: panel.gridPos?.y, width: panel.gridPos?.w, height: panel.gridPos?.h };
    if (panel.type === 'row') {
      found.push(new SceneGridRow({ title: panel.title ?? '', y: place.y, children: [] }));
      continue;
    }
    const item = new SceneGridItem({ ...place, body: drawn(panel as Panel) });
    const row = found.at(-1);
    if (row instanceof SceneGridRow) row.setState({ children: [...row.state.children, item] });
    else found.push(item);
  }
  return found;
}

function drawn(panel: Panel) {
  const queries = new SceneQueryRunner({
    datasource: panel.datasource, queries: panel.targets as never, minInterval: panel.interval,
    maxDataPoints: panel.maxDataPoints,
  }); // prettier-ignore
  return new VizPanel({
    key: `panel-${panel.id}`, pluginId: panel.type, title: panel.title, description: panel.description,
    options: panel.options, fieldConfig: panel.fieldConfig as never,
    $data: new SceneDataTransformer({ $data: queries, transformations: (panel.transformations ?? []) as never }),
  }); // prettier-ignore
}
