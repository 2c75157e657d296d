/** What Grafana loads. */
import { AppPlugin, type AppPluginMeta, type AppRootProps, type PluginConfigPageProps } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { LoadingPlaceholder } from '@grafana/ui';
import { Suspense, lazy } from 'react';
import { Configuration } from './pages/Configuration';
import { ID, type Settings } from './settings';

// The scenes library speaks through i18n, which has no words until it is begun.
const Pages = lazy(async () => {
  await initPluginTranslations(ID);
  return { default: (await import('./App')).App };
});

function Root(props: AppRootProps<Settings>) {
  return (
    <Suspense fallback={<LoadingPlaceholder text="Loading…" />}>
      <Pages {...props} />
    </Suspense>
  );
}

const Page = ({ plugin: { meta } }: PluginConfigPageProps<AppPluginMeta<Settings>>) => <Configuration meta={meta} />;

export const plugin = new AppPlugin<Settings>()
  .setRootPage(Root)
  .addConfigPage({ id: 'configuration', title: 'Configuration', icon: 'cog', body: Page });
