/** A state by colour, shape and word, so that none of them is needed alone. */
import { useTheme2 } from '@grafana/ui';
import { STATUS } from '../data/words';

const SHAPES: Record<string, string> = {
  healthy: '●', at_risk: '▲', unhealthy: '■', unknown: '○',
  critical: '■', warning: '▲', info: '●', firing: '■', pending: '▲', resolved: '●',
}; // prettier-ignore

export function Sign({ state, word }: { state: string; word?: string }) {
  const { colors } = useTheme2();
  const colour =
    state === 'unhealthy' || state === 'critical' || state === 'firing' ? colors.error.text
    : state === 'at_risk' || state === 'warning' || state === 'pending' ? colors.warning.text
    : state === 'healthy' || state === 'resolved' ? colors.success.text
    : colors.text.secondary; // prettier-ignore
  return (
    <span style={{ whiteSpace: 'nowrap' }}>
      <span aria-hidden style={{ color: colour }}>{SHAPES[state] ?? '○'}</span> {word ?? STATUS[state] ?? state}
    </span>
  );
}
