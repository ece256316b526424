/**
 * What an import costs: bundles each entry of sizes.json as an application would, with what is asked for by its name and
 * nothing else, tfjs and other peers apart, and prints its size, minified, and gzipped. Code that is split off and loaded
 * later does not count. Fails where an entry is over its limit, or cannot be bundled for its platform: a browser has no
 * `node:` modules.
 *
 * A limit is some 10% above what an entry takes; raise it when the growth is worth it. One of the gzipped size is a promise
 * to pages, and stays. Runs on what is built.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** Leaves out what is imported when it is wanted. */
const loadedLater = {
  name: 'loaded-later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /.*/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    ),
};

const PEERS = ['@tensorflow/*', 'koffi', 'webgpu'];

/** @type {{ entry: string, names?: string[], platform?: 'browser' | 'node', limit: number, gzipLimit?: number }[]} */
const table = JSON.parse(await readFile(new URL('sizes.json', import.meta.url), 'utf8'));

const rows = [];
const failures = [];
for (const { entry, names, platform = 'browser', limit, gzipLimit = Infinity } of table) {
  const label = names ? `{ ${names.join(', ')} } from ${entry}` : entry;
  try {
    const { bytes, gzip } = await sizeOf(entry, names, platform);
    rows.push({ import: label, platform, bytes, gzip, limit });
    if (bytes > limit) failures.push(`${label}: ${bytes} bytes, the limit is ${limit}`);
    if (gzip > gzipLimit) failures.push(`${label}: ${gzip} bytes gzipped, the limit is ${gzipLimit}`);
  } catch (error) {
    const why = error.errors?.map(({ text }) => text).join('; ') ?? error.message;
    failures.push(`${label}: it cannot be bundled for ${platform}: ${why}`);
  }
}
console.table(Object.fromEntries(rows.map(({ import: label, ...row }) => [label, row])));
for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;

async function sizeOf(entry, names, platform) {
  const { outputFiles } = await build({
    stdin: {
      contents: names ? `export { ${names.join(', ')} } from '${entry}';` : `import '${entry}';`,
      resolveDir: root,
    },
    absWorkingDir: root,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    external: PEERS,
    plugins: [loadedLater],
    logLevel: 'silent',
  });
  const [{ contents }] = outputFiles;
  return { bytes: contents.length, gzip: gzipSync(contents).length };
}
