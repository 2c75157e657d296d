/**
 * A thin stand-in of Grafana: the real @grafana libraries, the loader that Grafana uses, the routes and the services
 * that a plugin reaches for. What it draws beside the plugin (navigation, the time series panel) is its own.
 */
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as data from '@grafana/data';
import * as runtime from '@grafana/runtime';
import * as unstable from '@grafana/runtime/unstable';
import * as ui from '@grafana/ui';
import i18next from 'i18next';
import lodash from 'lodash';
import * as React from 'react';
import * as ReactDOM from 'react-dom';
import { createRoot } from 'react-dom/client';
import * as jsx from 'react/jsx-runtime';
import * as router from 'react-router-dom-v5-compat';
import * as rxjs from 'rxjs';
import { serve } from './services';
import { Trend } from './trend';

type Role = 'Viewer' | 'Editor' | 'Admin';
interface Boot { role: Role; meta: data.AppPluginMeta; sources: data.DataSourceInstanceSettings[] }

const ROLES: Role[] = ['Viewer', 'Editor', 'Admin'];
const boot = (await (await fetch('/boot')).json()) as Boot;
const theme = data.createTheme({ colors: { mode: 'dark' } });
// What Grafana's own page would have told it.
Object.assign(runtime.config, { theme2: theme, appSubUrl: '', featureToggles: {} });
runtime.config.bootData = {
  ...runtime.config.bootData, user: { orgRole: boot.role, isSignedIn: true, timezone: 'utc' },
} as typeof runtime.config.bootData; // prettier-ignore

serve(boot.sources);

const panel = new data.PanelPlugin(Trend).useFieldConfig();
panel.meta = { id: 'timeseries', name: 'Time series', info: { version: '0' } } as data.PanelPluginMeta;
runtime.setPluginImportUtils({ importPanelPlugin: async () => panel, getPanelPluginFromCache: () => panel });
runtime.setPluginLinksHook(() => ({ links: [], isLoading: false }));

const includes = (boot.meta.includes ?? []).filter(({ role }) => ROLES.indexOf(boot.role) >= ROLES.indexOf(role as Role));

function Page({ pageNav, subTitle, renderTitle, actions, children }: runtime.PluginPageProps) {
  return (
    <main style={{ padding: 24, maxWidth: 1400 }}>
      {pageNav?.parentItem && <a href={pageNav.parentItem.url}>{pageNav.parentItem.text}</a>}
      <h1>{renderTitle && pageNav ? renderTitle(pageNav.text) : pageNav?.text}</h1>
      <div>{subTitle ?? pageNav?.subTitle}</div>
      <div>{actions}</div>
      {children}
    </main>
  );
}

function Host({ Root }: { Root: React.ComponentType<data.AppRootProps> }) {
  const history = runtime.locationService.getHistory();
  const [location, move] = React.useState(history.location);
  React.useLayoutEffect(() => history.listen((next: typeof location) => move(next)), [history]);
  return (
    <data.ThemeContext.Provider value={theme}>
      <ui.GlobalStyles />
      <router.Router location={location} navigator={history as unknown as router.Navigator}>
        <runtime.LocationServiceProvider service={runtime.locationService}>
          <nav aria-label="Grafana" style={{ display: 'flex', gap: 16, padding: '12px 24px', background: theme.colors.background.secondary }}>
            <strong>stand-in of Grafana, {boot.role}</strong>
            {includes.map(({ name, path }) => <a key={name} href={path}>{name}</a>)}
          </nav>
          <router.Routes>
            <router.Route
              path="/a/dnstower-dns-app/*"
              element={<Root meta={boot.meta} basename="/a/dnstower-dns-app" path={location.pathname} query={{}} onNavChanged={() => undefined} />}
            />
          </router.Routes>
        </runtime.LocationServiceProvider>
      </router.Router>
    </data.ThemeContext.Provider>
  );
}

const shared: Record<string, unknown> = {
  react: React, 'react-dom': ReactDOM, 'react/jsx-runtime': jsx, 'react-router': router, rxjs, lodash, i18next,
  '@emotion/css': emotionCss, '@emotion/react': emotionReact, '@grafana/data': data, '@grafana/runtime': { ...runtime, PluginPage: Page },
  '@grafana/runtime/unstable': unstable, '@grafana/ui': ui,
}; // prettier-ignore
// Only now: its define() would draw the libraries above into it.
await import('systemjs/dist/system.js');
await import('systemjs/dist/extras/amd.js');
for (const [name, module] of Object.entries(shared)) {
  System.set(`shared:${name}`, { ...(module as object), default: (module as { default?: unknown }).default ?? module, __useDefault: false });
}
System.addImportMap({ imports: Object.fromEntries(Object.keys(shared).map((name) => [name, `shared:${name}`])) });
const { plugin } = (await System.import('/public/plugins/dnstower-dns-app/module.js')) as { plugin: data.AppPlugin };
plugin.meta = boot.meta;
createRoot(document.getElementById('root') as HTMLElement).render(<Host Root={plugin.root as React.ComponentType<data.AppRootProps>} />);
