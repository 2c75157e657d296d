// Builds dist/: one AMD module as Grafana's loader takes it, with what Grafana shares left outside.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { zipSync } from 'fflate';
import { schema } from './schema.mjs';

// Grafana gives these to plugins, from 12.3 on react/jsx-runtime too; a second copy of any of them would break hooks,
// contexts or translations. react-router-dom is bundled and takes Grafana's react-router.
const SHARED = [
  'react', 'react-dom', 'react/jsx-runtime', 'react-redux', 'redux', 'react-router', 'rxjs', 'rxjs/operators',
  'lodash', 'moment', 'jquery', 'd3', 'i18next', '@emotion/css', '@emotion/react',
  '@grafana/data', '@grafana/data/unstable', '@grafana/runtime', '@grafana/runtime/unstable',
  '@grafana/ui', '@grafana/ui/unstable',
]; // prettier-ignore

const ID = 'dnstower-dns-app';
const version = JSON.parse(readFileSync('package.json', 'utf8')).version;

const shared = {
  name: 'shared',
  setup(builder) {
    builder.onResolve({ filter: /^[^.]/ }, ({ path }) =>
      SHARED.includes(path) ? { path, external: true } : undefined
    );
  },
};

async function bundle() {
  const { outputFiles, metafile } = await build({
    entryPoints: { module: 'src/module.tsx' },
    outdir: 'dist',
    bundle: true,
    format: 'cjs',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    minify: true,
    sourcemap: 'linked',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [shared, schema],
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const used = [...new Set(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path)))];
  const find = (end) => outputFiles.find(({ path }) => path.endsWith(end));
  // All of the head is on one line, so that the map stands after one more line.
  const head = `define(${JSON.stringify(['module', 'exports', ...used])},function(module,exports,...given){`
    + `const table=new Map(${JSON.stringify(used)}.map((name,n)=>[name,given[n]]));`
    + `const require=(name)=>{if(!table.has(name))throw new Error("not shared by Grafana: "+name);return table.get(name)};\n`;
  const [code, map] = find('module.js').text.split(/(?=\/\/# sourceMappingURL)/);
  const moved = JSON.parse(find('module.js.map').text);
  moved.mappings = `;${moved.mappings}`;
  delete moved.sourcesContent;
  return { code: `${head}${code}\nreturn module.exports});\n${map}`, map: JSON.stringify(moved), used };
}

function files(folder, prefix) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path, `${prefix}/${name}`) : [[`${prefix}/${name}`, readFileSync(path)]];
  });
}

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
const { code, map, used } = await bundle();
writeFileSync('dist/module.js', code);
writeFileSync('dist/module.js.map', map);
const day = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000).toISOString().slice(0, 10);
const manifest = readFileSync('src/plugin.json', 'utf8').replaceAll('%VERSION%', version).replaceAll('%TODAY%', day);
writeFileSync('dist/plugin.json', manifest);
cpSync('src/img', 'dist/img', { recursive: true });
for (const { type, path } of JSON.parse(manifest).includes) {
  if (type === 'dashboard') cpSync(`src/${path}`, `dist/${path}`);
}
cpSync('../LICENSE', 'dist/LICENSE');
cpSync('docs/app.md', 'dist/README.md');
console.log(`dist/module.js: ${Math.round(code.length / 1024)} KiB, shared: ${used.join(' ')}`);

if (process.argv.includes('--zip')) {
  // One moment for every file: the same sources give the same archive.
  const mtime = new Date(`${day}T12:00:00`);
  const name = `${ID}-${version}.zip`;
  writeFileSync(name, zipSync(Object.fromEntries(files('dist', ID)), { level: 9, mtime }));
  console.log(name);
}
