/** One query outside a scene, through Grafana like any other. */
import { dataFrameFromJSON, type DataFrameJSON } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';
import { firstValueFrom } from 'rxjs';
import { POSTGRES } from '../settings';
import { type Row, rows } from './rows';

interface Answered {
  results: Record<string, { error?: string; frames?: DataFrameJSON[] }>;
}

export async function ask(uid: string, rawSql: string): Promise<Row[]> {
  const now = Date.now();
  const query = { refId: 'A', datasource: { uid, type: POSTGRES }, rawSql, format: 'table' };
  const asked = { queries: [query], from: String(now - 3_600_000), to: String(now) };
  try {
    const { data } = await firstValueFrom(
      getBackendSrv().fetch<Answered>({ url: '/api/ds/query', method: 'POST', data: asked, showErrorAlert: false })
    );
    const frame = data.results.A?.frames?.[0];
    return frame ? rows(dataFrameFromJSON(frame)) : [];
  } catch (error) {
    const failed = error as { data?: Partial<Answered> & { message?: string }; message?: string };
    throw new Error(failed.data?.results?.A?.error ?? failed.data?.message ?? failed.message ?? 'no answer');
  }
}
