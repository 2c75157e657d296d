/** The services that Grafana's libraries reach for: requests, events, variables, data sources. */
import * as data from '@grafana/data';
import * as runtime from '@grafana/runtime';
import * as rxjs from 'rxjs';

type Kind = new (settings: data.DataSourceInstanceSettings) => data.DataSourceApi;
type Replace = (text: string, scope?: data.ScopedVars) => string;

async function call(request: runtime.BackendSrvRequest) {
  const response = await fetch(request.url, {
    method: request.method ?? 'GET', headers: { 'content-type': 'application/json' },
    body: request.data === undefined ? undefined : JSON.stringify(request.data),
  }); // prettier-ignore
  const body = await response.json();
  if (!response.ok) {
    throw { status: response.status, statusText: response.statusText, data: body, config: request };
  }
  return { data: body, status: response.status, ok: true, config: request, headers: response.headers };
}

/**
 * @param sources what is set up.
 * @param kinds what a plugin of Grafana does with its data source, by its id; asking the backend is all by default.
 * @param replace puts variables' values into a text.
 */
export function serve(sources: data.DataSourceInstanceSettings[], kinds: Record<string, Kind> = {}, replace: Replace = (text) => text): void {
  const backend = {
    fetch: (request: runtime.BackendSrvRequest) => rxjs.from(call(request)),
    get: async (url: string) => (await call({ url })).data,
    post: async (url: string, sent: unknown) => (await call({ url, method: 'POST', data: sent })).data,
  };
  runtime.setBackendSrv(backend as unknown as runtime.BackendSrv);
  runtime.setAppEvents(new data.EventBusSrv());
  runtime.setTemplateSrv({ replace: (text?: string, scope?: data.ScopedVars) => replace(text ?? '', scope), getVariables: () => [], containsTemplate: () => false, updateTimeRange: () => undefined });

  const find = (ref?: data.DataSourceRef | string | null, scope?: data.ScopedVars) => {
    const wanted = replace((typeof ref === 'string' ? ref : ref?.uid) ?? '', scope);
    return sources.find(({ uid, name }) => uid === wanted || (typeof ref === 'string' && name === wanted));
  };
  runtime.setDataSourceSrv({
    get: async (ref, scope) => {
      const settings = find(ref, scope);
      if (!settings) {
        throw new Error('Datasource was not found');
      }
      return new (kinds[settings.type] ?? runtime.DataSourceWithBackend)(settings);
    },
    getList: (asked) => sources.filter(({ type }) => !asked?.pluginId || type === asked.pluginId),
    getInstanceSettings: (ref, scope) => find(ref, scope), reload: () => undefined,
    registerRuntimeDataSource: () => undefined,
  } as runtime.DataSourceSrv); // prettier-ignore

  runtime.setRunRequest((source, request) => {
    const told = (state: data.LoadingState, more: Partial<data.PanelData>) =>
      ({ state, series: [], timeRange: request.range, request, ...more }) as data.PanelData;
    return rxjs.concat(
      rxjs.of(told(data.LoadingState.Loading, {})),
      rxjs.from(source.query(request) as rxjs.Observable<data.DataQueryResponse>).pipe(
        rxjs.map((answer) =>
          told(answer.errors?.length || answer.error ? data.LoadingState.Error : data.LoadingState.Done, {
            series: answer.data.map((frame) => data.toDataFrame(frame)), errors: answer.errors, error: answer.error,
          })
        ), // prettier-ignore
        rxjs.catchError((error) => rxjs.of(told(data.LoadingState.Error, { error })))
      )
    );
  });
}
