/** A plain table: a head, rows, and the first column as the row's name. */
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';

export type Column<T> = [head: string, cell: (row: T) => ReactNode, kind?: 'number'];

export function Table<T>({ label, columns, rows }: { label: string; columns: Column<T>[]; rows: T[] }) {
  const style = useStyles2(look);
  return (
    <div className={style}>
      <table aria-label={label}>
        <thead>
          <tr>{columns.map(([head, , kind]) => <th key={head} scope="col" className={kind}>{head}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <tr key={n}>
              {columns.map(([head, cell, kind]) => <td key={head} className={kind}>{cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const look = (theme: GrafanaTheme2) =>
  css({
    overflowX: 'auto',
    table: { width: '100%', borderCollapse: 'collapse' },
    'th, td': { padding: theme.spacing(0.75, 1), textAlign: 'left', verticalAlign: 'top' },
    th: { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightMedium, whiteSpace: 'nowrap' },
    'tbody tr': { borderTop: `1px solid ${theme.colors.border.weak}` },
    'tbody tr:hover': { background: theme.colors.action.hover },
    '.number': { textAlign: 'right', fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' },
    'td a': { color: theme.colors.text.link },
  });
