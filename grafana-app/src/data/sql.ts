/**
 * Values on their way into rawSql.
 *
 * A query passes three readers: Grafana's templates (`$name`, `${name}`, `[[name]]`), the data source's macros
 * (`$__name(...)`) and PostgreSQL. A value that is plain for all three is quoted; any other goes as hexadecimal, in
 * which none of them finds anything to read.
 */
const PLAIN = /^[A-Za-z0-9._:/ -]{0,255}$/;

export function literal(value: string): string {
  if (PLAIN.test(value)) {
    return `'${value}'`;
  }
  const hex = Array.from(new TextEncoder().encode(value), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `convert_from(decode('${hex}', 'hex'), 'UTF8')`;
}

/** A query's text: what is written stays, what is put in becomes a literal. */
export function sql(parts: TemplateStringsArray, ...values: string[]): string {
  return parts
    .map((part, n) => part + (n < values.length ? literal(values[n] ?? '') : ''))
    .join('')
    .replace(/\s+/g, ' ')
    .trim();
}
