/** A query's answer on a page: drawn by a function, with loading, empty and failed said in words. */
import { LoadingState } from '@grafana/data';
import {
  type SceneComponentProps, SceneObjectBase, type SceneObjectState, SceneQueryRunner, sceneGraph,
} from '@grafana/scenes'; // prettier-ignore
import { Alert, LoadingPlaceholder } from '@grafana/ui';
import type { ReactNode } from 'react';
import { fault } from '../data/faults';
import { type Row, rows } from '../data/rows';
import { POSTGRES, type Settings } from '../settings';

interface AnswerState extends SceneObjectState {
  /** Called with the rows of each query, in the order of the queries. */
  draw: (...tables: Row[][]) => ReactNode;
  /** Said where no query has a row; without it, `draw` is called with none. */
  empty?: string;
}

export class Answer extends SceneObjectBase<AnswerState> {
  static Component = AnswerView;
}

function AnswerView({ model }: SceneComponentProps<Answer>) {
  const { draw, empty } = model.useState();
  const { data } = sceneGraph.getData(model).useState();
  const error = data?.errors?.[0] ?? data?.error;
  if (error || data?.state === LoadingState.Error) {
    const message = error?.data?.message ?? error?.message ?? '';
    const { title, advice } = fault(message);
    return (
      <Alert severity="error" title={title}>
        <p>{advice}</p>
        {message && <small>It said: {message}</small>}
      </Alert>
    );
  }
  if (!data || (data.state !== LoadingState.Done && data.series.length === 0)) {
    return <LoadingPlaceholder text="Asking the store…" />;
  }
  const refs = (data.request?.targets ?? []).map(({ refId }) => refId);
  const tables = refs.map((ref) => rows(data.series.find(({ refId }) => refId === ref)));
  if (empty && tables.every((table) => table.length === 0)) {
    return <p>{empty}</p>;
  }
  return <div style={{ width: '100%' }}>{draw(...tables)}</div>;
}

/** Queries to the chosen data source; each gives a table, or series where it has a time and is asked for them. */
export function ask(settings: Settings, queries: string[], format: 'table' | 'time_series' = 'table') {
  return new SceneQueryRunner({
    datasource: { uid: settings.datasource ?? '', type: POSTGRES },
    queries: queries.map((rawSql, n) => ({
      refId: String.fromCharCode(65 + n), rawSql, format, rawQuery: true, editorMode: 'code',
    })), // prettier-ignore
    maxDataPoints: 1000,
  });
}

export const answer = (settings: Settings, queries: string[], draw: AnswerState['draw'], empty?: string) =>
  new Answer({ $data: ask(settings, queries), draw, empty });
