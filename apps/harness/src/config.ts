/** Finding `espalier.config.ts`: the file that was named, else the nearest one upwards. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { UsageError } from '@espalier/experiment';

const NAMES = ['espalier.config.ts', 'espalier.config.mts', 'espalier.config.js', 'espalier.config.mjs'];

/** @returns the config's absolute path; null when there is none and none was asked for */
export function findConfig(asked?: string): string | null {
  if (asked) {
    const path = resolve(asked);
    if (!existsSync(path)) throw new UsageError(`The config file ${path} does not exist`);
    return path;
  }
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const found = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found) return found;
    if (dirname(folder) === folder) return null;
  }
}
