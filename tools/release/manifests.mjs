/**
 * Writes into each published package what it has of the root: the manifest's fields (manifest.mjs) and the licence;
 * and into CITATION.cff the address.
 *
 *   npm run manifests              writes them
 *   npm run manifests -- --check   says which are out of step, and writes nothing
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { completed } from './manifest.mjs';
import { addressOf, publishedPackages, readJson, ROOT } from './workspace.mjs';

const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const root = readJson(ROOT, 'package.json');
const license = readFileSync(join(ROOT, 'LICENSE'), 'utf8');
const citationPath = join(ROOT, 'CITATION.cff');
const citation = readFileSync(citationPath, 'utf8').replace(
  /^(repository-code:) .*$/m,
  `$1 '${addressOf(root)}'`,
);
const outOfStep = publishedPackages()
  .flatMap(({ folder, location, manifest }) => [
    [join(folder, 'package.json'), `${JSON.stringify(completed(manifest, location, root), null, 2)}\n`],
    [join(folder, 'LICENSE'), license],
  ])
  .concat([[citationPath, citation]])
  .filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);

if (!options.check) for (const [path, text] of outOfStep) writeFileSync(path, text);
else if (outOfStep.length > 0) {
  const names = outOfStep.map(([path]) => relative(ROOT, path)).join(', ');
  process.stderr.write(`${names}: out of step with the root's package.json or LICENSE: npm run manifests\n`);
  process.exitCode = 1;
}
