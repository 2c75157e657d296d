/** The app's pages: who sees them, and where they lead. */
import type { AppRootProps } from '@grafana/data';
import { PluginPage } from '@grafana/runtime';
import { SceneApp, SceneAppPage, type SceneAppPageLike } from '@grafana/scenes';
import { Alert, TextLink } from '@grafana/ui';
import { useState } from 'react';
import { useLocation } from 'react-router-dom';
import { Configuration } from './pages/Configuration';
import { incident } from './pages/incident';
import { incidents } from './pages/incidents';
import { overview, zones } from './pages/overview';
import { zone } from './pages/zone';
import { BASE, type Settings, incidentUrl, may, zoneUrl } from './settings';

function app(settings: Settings): SceneApp {
  const operators = [
    new SceneAppPage({
      title: 'Zones', url: `${BASE}/zones`, routePath: 'zones/*', getScene: () => zones(settings),
      drilldowns: [{
        routePath: ':zone/*',
        getPage: ({ params }, parent) => one(params.zone, zoneUrl(params.zone), parent, () => zone(settings, params.zone)),
      }],
    }),
    new SceneAppPage({
      title: 'Incidents', url: `${BASE}/incidents`, routePath: 'incidents/*', getScene: () => incidents(settings),
      drilldowns: [{
        routePath: ':id/*',
        getPage: ({ params }, parent) => one('Incident', incidentUrl(params.id), parent, () => incident(settings, params.id)),
      }],
    }),
  ]; // prettier-ignore
  const all = new SceneAppPage({
    title: 'DNS', subTitle: 'Zones by health, the worst first.', url: `${BASE}/overview`, routePath: 'overview',
    getScene: () => overview(settings),
  }); // prettier-ignore
  return new SceneApp({ pages: may('Editor') ? [all, ...operators] : [all] });
}

const one = (title: string, url: string, parent: SceneAppPageLike, getScene: SceneAppPage['state']['getScene']) =>
  new SceneAppPage({ title, url, routePath: '*', getParentPage: () => parent, getScene });

/** A page that is no scene. */
const Plain = ({ title, children }: { title: string; children: React.ReactNode }) => (
  <PluginPage pageNav={{ text: title }}>{children}</PluginPage>
);

export function App({ meta }: AppRootProps<Settings>) {
  const settings = meta.jsonData ?? {};
  const [scenes] = useState(() => app(settings));
  const page = useLocation().pathname.slice(BASE.length + 1).split('/')[0] ?? '';
  if (page === 'configuration') {
    return <Plain title="Configuration"><Configuration meta={meta} /></Plain>;
  }
  if (!settings.datasource) {
    return (
      <Plain title="DNS">
        <Alert severity="info" title="No data source is chosen yet">
          {may('Admin') ? 'Choose' : 'An administrator chooses'} the PostgreSQL data source of the store under{' '}
          <TextLink href={`${BASE}/configuration`}>Configuration</TextLink>.
        </Alert>
      </Plain>
    );
  }
  if (page !== 'overview' && page !== '' && !may('Editor')) {
    return (
      <Plain title="DNS">
        <Alert severity="warning" title="This page is for editors">
          What you may see is on the <TextLink href={`${BASE}/overview`}>overview</TextLink>.
        </Alert>
      </Plain>
    );
  }
  return <scenes.Component model={scenes} />;
}
