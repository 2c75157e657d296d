// Builds the stand-in, and the page that draws a dashboard, into the folder that is named.
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { schema } from '../../schema.mjs';

await build({
  entryPoints: { host: 'tests/browser/host.tsx', dashboard: 'tests/browser/dashboard.tsx' },
  outdir: process.argv[2],
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  jsx: 'automatic',
  loader: { '.svg': 'dataurl', '.woff': 'empty', '.woff2': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  plugins: [
    schema,
    {
      name: 'no-editor', // megabytes that no page of the plugin asks for
      setup: (builder) => {
        builder.onResolve({ filter: /^(react-)?monaco-editor/ }, ({ path }) => ({ path, namespace: 'none' }));
        builder.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {}' }));
      },
    },
    {
      name: 'compat', // what Grafana gives as react-router: the copy that its own libraries use
      setup: (builder) =>
        builder.onResolve({ filter: /^react-router-dom-v5-compat$/ }, ({ path, kind, pluginData }) =>
          pluginData ? undefined : builder.resolve(path, { kind, resolveDir: resolve('node_modules/@grafana/ui'), pluginData: true })
        ),
    },
  ],
  logLevel: 'error',
});
