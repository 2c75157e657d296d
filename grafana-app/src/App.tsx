/** The app's pages: who sees them, and where they lead. */
import type { AppRootProps } from '@grafana/data';
import { SceneApp, SceneAppPage } from '@grafana/scenes';
import { Alert, TextLink } from '@grafana/ui';
import { useState } from 'react';
import { incidents } from './pages/incidents';
import { overview } from './pages/overview';
import { BASE, type Settings } from './settings';

function app(settings: Settings): SceneApp {
  return new SceneApp({
    pages: [
      new SceneAppPage({
        title: 'DNS', subTitle: 'Zones by health, the worst first.', url: `${BASE}/overview`, routePath: 'overview',
        getScene: () => overview(settings),
      }),
      new SceneAppPage({
        title: 'Incidents', url: `${BASE}/incidents`, routePath: 'incidents/*', getScene: () => incidents(settings),
      }),
    ],
  }); // prettier-ignore
}

export function App({ meta }: AppRootProps<Settings>) {
  const settings = meta.jsonData ?? {};
  const [scenes] = useState(() => app(settings));
  if (!settings.datasource) {
    return (
      <Alert severity="info" title="No data source is chosen yet">
        An administrator chooses the PostgreSQL data source of the store under{' '}
        <TextLink href={`${BASE}/configuration`}>Configuration</TextLink>.
      </Alert>
    );
  }
  return <scenes.Component model={scenes} />;
}
