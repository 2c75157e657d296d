/** What an administrator has chosen, and who looks. */
import { config } from '@grafana/runtime';

export const ID = 'dnstower-dns-app';
export const BASE = `/a/${ID}`;
export const POSTGRES = 'grafana-postgresql-datasource';

export interface Settings {
  /** uid of the PostgreSQL data source that reads the store's views. */
  datasource?: string;
  /** Where people reach the board, without a slash at the end: for runbooks and for taking an incident on. */
  board?: string;
}

export type Role = 'Viewer' | 'Editor' | 'Admin';
const ROLES: string[] = ['Viewer', 'Editor', 'Admin'];

/** Whether the user has at least this role. What may be read is the data source's permission; this is a courtesy. */
export function may(role: Role, user = config.bootData?.user): boolean {
  return Boolean(user?.isGrafanaAdmin) || ROLES.indexOf(user?.orgRole ?? '') >= ROLES.indexOf(role);
}

export const zoneUrl = (zone: string) => `${BASE}/zones/${encodeURIComponent(zone)}`;
export const incidentUrl = (id: string) => `${BASE}/incidents/${encodeURIComponent(id)}`;

/** A link to the board, where the board's address is a web address. */
export function onBoard(settings: Settings, path: string): string | undefined {
  const board = settings.board?.trim().replace(/\/+$/, '') ?? '';
  return /^https?:\/\/[^\s]+$/.test(board) ? `${board}/${path}` : undefined;
}
