/** The files of a package for a new strategy, and where they are written. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { manifestOf } from './manifest.js';
import { namesOf } from './names.js';
import { filled } from './templates.js';

export { namesOf } from './names.js';

/**
 * What is a strategy's own in every package, within this repository and outside of it.
 *
 * @param {ReturnType<typeof namesOf>} names
 * @param {{ op?: boolean }} [options] whether it has an op of its own
 * @returns {Record<string, string>} texts by their paths
 */
export function strategyFiles(names, { op = false } = {}) {
  return { ...filled('strategy', names, { op }), ...(op ? filled('op', names, { op }) : {}) };
}

/**
 * All of a package that stands alone.
 *
 * @param {ReturnType<typeof namesOf>} names
 * @param {{ op?: boolean }} [options]
 * @returns {Record<string, string>} texts by their paths
 */
export function packageFiles(names, { op = false } = {}) {
  return {
    ...strategyFiles(names, { op }),
    ...filled('package', names, { op }),
    'package.json': `${JSON.stringify(manifestOf(names, { op }), null, 2)}\n`,
  };
}

/**
 * Writes the package into a new folder, `my-method` of `@me/my-method`.
 *
 * @param {string} parent
 * @param {{ name?: string, op?: boolean }} options
 * @throws Error, of one line, for a bad name, or a folder that holds something
 */
export function createPackage(parent, { name, op = false }) {
  const names = namesOf(name, 'npm create espalier-pruner my-method');
  const folder = join(parent, names.name);
  const held = existsSync(folder) ? readdirSync(folder) : [];
  if (held.length > 0) {
    throw new Error(`The folder ${names.name} holds ${held[0]} already: choose another name, or empty it`);
  }
  const files = packageFiles(names, { op });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { folder, files: Object.keys(files).sort() };
}
