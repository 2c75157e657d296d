/** Numbers and states for people. */

export const STATUS: Record<string, string> = {
  healthy: 'healthy', at_risk: 'at risk', unhealthy: 'unhealthy', unknown: 'no data',
}; // prettier-ignore

/** A share, never rounded up to 100 %. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) {
    return '–';
  }
  const value = share * 100;
  return value >= 99 && value < 100 ? `${Math.min(value, 99.99).toFixed(2)} %` : `${value.toFixed(0)} %`;
}

export function milliseconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) {
    return '–';
  }
  const value = seconds * 1000;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

/** `12 s`, `3 min`, `2 h`, `4 days`. */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) {
    return 'never';
  }
  const s = Math.max(0, seconds);
  return s < 100 ? `${s.toFixed(0)} s`
    : s < 6000 ? `${(s / 60).toFixed(0)} min`
    : s < 172_800 ? `${(s / 3600).toFixed(0)} h`
    : `${(s / 86_400).toFixed(0)} days`; // prettier-ignore
}

/** A moment in UTC, to the second. */
export function moment(value: number | string | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? String(value) : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
