/** Which data source reads the store, where the board is, and whether the views are there and fresh. */
import type { AppPluginMeta } from '@grafana/data';
import { DataSourcePicker, getBackendSrv } from '@grafana/runtime';
import { Alert, Button, Field, Input, LoadingPlaceholder } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { ask } from '../data/ask';
import { type Finding, check } from '../data/check';
import { fault } from '../data/faults';
import { Sign } from '../parts/Sign';
import { ID, POSTGRES, type Settings, may, onBoard } from '../settings';

function Check({ uid }: { uid: string }) {
  const [round, again] = useState(0);
  const [found, tell] = useState<Finding[]>();
  useEffect(() => {
    let here = true;
    tell(undefined);
    check((query) => ask(uid, query))
      .catch((error: Error): Finding[] => {
        const { title, advice } = fault(error.message);
        return [{ ok: false, says: `${title}. It said: ${error.message}`, mend: advice }];
      })
      .then((all) => here && tell(all));
    return () => {
      here = false;
    };
  }, [uid, round]);
  return (
    <section aria-label="Check">
      <h3>Views and freshness</h3>
      {found === undefined ? <LoadingPlaceholder text="Asking the store…" /> : (
        <ul style={{ listStyle: 'none', marginBottom: 16 }}>
          {found.map(({ ok, says, mend }) => (
            <li key={says} style={{ marginBottom: 8 }}>
              <Sign state={ok ? 'healthy' : 'unhealthy'} word={ok ? 'fine' : 'wrong'} />: {says}
              {mend && <div style={{ paddingLeft: 16 }}>→ {mend}</div>}
            </li>
          ))}
        </ul>
      )}
      <Button variant="secondary" onClick={() => again(round + 1)}>Check again</Button>
    </section>
  ); // prettier-ignore
}

export function Configuration({ meta }: { meta: AppPluginMeta<Settings> }) {
  const [settings, change] = useState<Settings>(meta.jsonData ?? {});
  const [state, tell] = useState<'' | 'saving' | 'saved' | string>('');
  if (!may('Admin')) {
    return <Alert severity="warning" title="An administrator configures this app">Ask one of your organisation.</Alert>;
  }
  const wrong = Boolean(settings.board) && onBoard(settings, '') === undefined;
  async function save() {
    tell('saving');
    try {
      await getBackendSrv().post(`/api/plugins/${ID}/settings`, { enabled: true, pinned: true, jsonData: settings });
      tell('saved');
      // Grafana hands the settings to the pages once, when it loads them.
      setTimeout(() => window.location.reload(), 600);
    } catch (error) {
      tell(`Not saved: ${(error as { data?: { message?: string } }).data?.message ?? String(error)}`);
    }
  }
  return (
    <div style={{ maxWidth: 720 }}>
      <Field label="Data source" description="PostgreSQL, with a login that reads the store’s views (kafka-bridge store reader).">
        <DataSourcePicker
          pluginId={POSTGRES} current={settings.datasource ?? null} noDefault placeholder="Choose a PostgreSQL data source"
          onChange={({ uid }) => change({ ...settings, datasource: uid })}
        />
      </Field>
      <Field
        label="Board" description="Where people reach the bridge’s board: for runbooks, and to take incidents on. May stay empty."
        invalid={wrong} error="Write a web address, such as https://board.example.com"
      >
        <Input aria-label="Board" value={settings.board ?? ''} placeholder="https://board.example.com"
          onChange={({ currentTarget }) => change({ ...settings, board: currentTarget.value })} />
      </Field>
      {settings.datasource ? <Check uid={settings.datasource} /> : <p>Without a data source no page has anything to show.</p>}
      <p style={{ marginTop: 24 }}>
        <Button onClick={save} disabled={!settings.datasource || wrong || state === 'saving'}>Save</Button>{' '}
        <span role="status">{state === 'saved' ? 'Saved.' : state === 'saving' ? 'Saving…' : state}</span>
      </p>
    </div>
  ); // prettier-ignore
}
