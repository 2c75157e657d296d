/** Frames of a data source as rows of a known shape. */
import type { DataFrame } from '@grafana/data';

export type Row = Record<string, unknown>;

export function rows<T = Row>(frame: DataFrame | undefined): T[] {
  return Array.from({ length: frame?.length ?? 0 }, (_, n) =>
    Object.fromEntries((frame?.fields ?? []).map((field) => [field.name, field.values[n] ?? null]))
  ) as T[];
}

/** A jsonb column that was read as text; what cannot be read is `otherwise`. */
export function json<T>(text: unknown, otherwise: T): T {
  if (typeof text !== 'string') {
    return (text ?? otherwise) as T;
  }
  try {
    return (JSON.parse(text) ?? otherwise) as T;
  } catch {
    return otherwise;
  }
}
