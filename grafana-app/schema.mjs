import { readFileSync } from 'node:fs';

/** The scenes library takes the table panel's default options, which this release of the schema no longer has. */
export const schema = {
  name: 'schema',
  setup: (builder) =>
    builder.onLoad({ filter: /schema\/dist\/esm\/raw\/composable\/table\/panelcfg\/x\/types\.gen\.mjs$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}\nexport const defaultOptions = {};`,
    })),
};
