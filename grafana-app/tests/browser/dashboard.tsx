/** One dashboard, drawn of its JSON by Grafana's own scenes and components; what went wrong stands in `window.told`. */
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import * as data from '@grafana/data';
import * as runtime from '@grafana/runtime';
import { type SceneObject, VizPanel, dataLayers, sceneGraph, sceneUtils } from '@grafana/scenes';
import type { Panel } from '@grafana/schema';
import * as ui from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { Router } from 'react-router-dom-v5-compat';
import { empty, faults, missing } from './checks';
import { PANELS } from './panels';
import { register } from './panels/standard';
import { type Board, scene } from './scene';
import { serve } from './services';
import { Store } from './sources';

/** What a page tells its test: by panel what is wrong, and which had nothing to draw. */
export interface Told { faults: string[]; empty: string[]; panels: number }
declare global {
  interface Window { told?: Told }
}

const { board, sources } = (await (await fetch(`/api/dashboards/uid/${location.pathname.split('/').pop()}`)).json()) as
  { board: Board; sources: data.DataSourceInstanceSettings[] }; // prettier-ignore
const theme = data.createTheme({ colors: { mode: 'dark' } });
Object.assign(runtime.config, { theme2: theme, appSubUrl: '', featureToggles: {} });
register();
serve(sources, { 'grafana-postgresql-datasource': Store }, (text, scope) => {
  const object = scope?.['__sceneObject']?.value?.valueOf() as SceneObject | undefined;
  return object ? sceneGraph.interpolate(object, text, scope) : text;
});
runtime.setPluginImportUtils({
  importPanelPlugin: async (id) => PANELS[id] ?? Promise.reject(new Error(`no panel is called ${id}`)),
  getPanelPluginFromCache: (id) => PANELS[id],
});
runtime.setPluginLinksHook(() => ({ links: [], isLoading: false }));

// Texts are measured as they are drawn.
await Promise.all([400, 500].map((weight) => document.fonts.load(`${weight} 14px Inter`)));
const root = scene(board);
sceneUtils.syncStateFromSearchParams(root, new URLSearchParams(location.search));
createRoot(document.getElementById('root') as HTMLElement).render(
  <data.ThemeContext.Provider value={theme}>
    <ui.GlobalStyles />
    <Router location={location.pathname} navigator={runtime.locationService.getHistory() as never}>
      <ui.PortalContainer />
      <main style={{ padding: 16, background: theme.colors.background.canvas }}>
        <h1 style={{ fontSize: 20 }}>{board.title}</h1>
        <root.Component model={root} />
      </main>
    </Router>
  </data.ThemeContext.Provider>
);

const DONE = [data.LoadingState.Done, data.LoadingState.Error];
const panels = sceneGraph.findAllObjects(root, (object) => object instanceof VizPanel) as VizPanel[];
type Layer = InstanceType<typeof dataLayers.AnnotationsDataLayer>;
const layers = sceneGraph.findAllObjects(root, (object) => object instanceof dataLayers.AnnotationsDataLayer) as Layer[];
const by = (panel: VizPanel) => (said: string) => `${panel.state.title}: ${said}`;
const model = (panel: VizPanel) => board.panels.find(({ id }) => `panel-${id}` === panel.state.key) as Panel;

const PATIENCE = 15_000;
const began = performance.now();
const waiting = setInterval(() => {
  const undone = panels.filter((panel) => !DONE.includes(sceneGraph.getData(panel).state.data?.state as data.LoadingState));
  const unmarked = layers.filter(({ state }) => !DONE.includes(state.data?.state as data.LoadingState));
  if (undone.length + unmarked.length && performance.now() < began + PATIENCE) return;
  clearInterval(waiting);
  setTimeout(() => {
    window.told = {
      panels: panels.length,
      faults: [
        ...panels.flatMap((panel) => [...faults(model(panel)), ...missing(panel)].map(by(panel))),
        ...undone.map((panel) => by(panel)('it has nothing to draw from yet')),
        ...unmarked.map(({ state }) => `${state.name}: no annotations have come yet`),
        ...layers.flatMap(({ state }) => (state.data?.errors ?? []).map(({ message }) => `${state.name}: ${message}`)),
        ...[...document.querySelectorAll('h2, h6')].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1).map(({ textContent }) => `${textContent}: the title is cut`),
      ],
      empty: panels.filter((panel) => empty(sceneGraph.getData(panel).state.data?.series ?? [])).map(({ state }) => state.title),
    };
  }, 700);
}, 100);
