/** What a panel says when there is nothing to draw. */
import type { FieldConfigSource } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

export function Nothing({ fieldConfig, message }: { fieldConfig: FieldConfigSource; message?: string }) {
  const { colors, typography } = useTheme2();
  return (
    <div
      data-testid="nothing"
      style={{
        display: 'flex', alignItems: 'center', height: '100%', textAlign: 'center', justifyContent: 'center',
        color: colors.text.secondary, fontSize: typography.size.lg,
      }} // prettier-ignore
    >
      {message ?? fieldConfig.defaults.noValue ?? 'No data'}
    </div>
  );
}
