/** What Grafana's data source plugins do in the browser: put variables in, and look values of variables up. */
import type { DataQuery, MetricFindValue, ScopedVars, TimeRange } from '@grafana/data';
import { DataSourceWithBackend, getBackendSrv, getTemplateSrv } from '@grafana/runtime';

interface Sql extends DataQuery { rawSql: string }

/** PostgreSQL. */
export class Store extends DataSourceWithBackend {
  override annotations = {};

  override applyTemplateVariables(query: DataQuery, scope: ScopedVars): Sql {
    return { ...query, rawSql: getTemplateSrv().replace((query as Sql).rawSql, scope) };
  }

  override async metricFindQuery(sql: string, { range, scopedVars }: { range: TimeRange; scopedVars: ScopedVars }): Promise<MetricFindValue[]> {
    const query = { refId: 'A', datasource: this.getRef(), format: 'table', rawSql: getTemplateSrv().replace(sql, scopedVars) };
    const [from, to] = [String(range.from.valueOf()), String(range.to.valueOf())];
    const { results } = await getBackendSrv().post('/api/ds/query', { queries: [query], from, to });
    return ((results.A.frames[0]?.data.values[0] ?? []) as string[]).map((text) => ({ text, value: text }));
  }
}
