/** What a failed query means for the person who looks, and what to do next. */

export interface Fault {
  title: string;
  advice: string;
}

const KNOWN: [RegExp, string, string][] = [
  [/relation .* does not exist|schema .* does not exist|42P01|3F000/i, 'The views are not in this database',
    'Choose the data source of the bridge’s store under Configuration, or upgrade the bridge: it lays the views when it starts.'],
  [/permission denied|42501/i, 'The data source may not read the views',
    'Run “kafka-bridge store reader ROLE” with the data source’s user as ROLE.'],
  [/password authentication|28P01|28000|no pg_hba/i, 'PostgreSQL refuses the data source’s login',
    'Set its user and password under Connections → Data sources.'],
  [/connection refused|no such host|timeout|timed out|dial tcp|bad gateway|failed to fetch/i,
    'The store does not answer', 'Is PostgreSQL up, and is its address in the data source right?'],
  [/data ?source.*(not found|was not found)|not found/i, 'The chosen data source is gone',
    'An administrator chooses another one under Configuration.'],
]; // prettier-ignore

export function fault(message: string): Fault {
  for (const [pattern, title, advice] of KNOWN) {
    if (pattern.test(message)) {
      return { title, advice };
    }
  }
  return { title: 'The store could not be asked', advice: 'Configuration tells what is missing.' };
}
