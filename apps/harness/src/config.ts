/** Finding `espalier.config.ts`: the file that was named, else the nearest one upwards, within the package. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { UsageError } from '@espalier/experiment';

const NAMES = ['espalier.config.ts', 'espalier.config.mts', 'espalier.config.js', 'espalier.config.mjs'];

/** What lies in the root of a package or of a repository. */
const ROOT_MARKS = ['package.json', '.git'];

/** @returns the config's absolute path; null when there is none and none was asked for */
export function findConfig(asked?: string): string | null {
  if (asked) {
    const path = resolve(asked);
    if (!existsSync(path)) throw new UsageError(`The config file ${path} does not exist`);
    return path;
  }
  const paths = foldersToRoot(process.cwd(), homedir()).flatMap((folder) =>
    NAMES.map((name) => join(folder, name)),
  );
  return paths.find((path) => existsSync(path)) ?? null;
}

/**
 * The folders in which a config may lie, upwards from where the command runs: to the package's root, the nearest folder
 * with a package.json or a repository. A config is code that is run, so none is looked for where it would be another's:
 * above the home folder, in a folder where everybody may write, or, outside a package, above the first.
 */
export function foldersToRoot(from: string, home: string): string[] {
  const limit = existsSync(home) ? realpathSync(home) : home;
  const folders: string[] = [];
  for (let folder = from; ; folder = dirname(folder)) {
    if (folder !== from && isOpenToAll(folder)) break;
    folders.push(folder);
    if (ROOT_MARKS.some((mark) => existsSync(join(folder, mark)))) return folders;
    if (folder === limit || folder === dirname(folder)) break;
  }
  return [from];
}

function isOpenToAll(folder: string): boolean {
  return process.platform !== 'win32' && (statSync(folder).mode & 0o002) !== 0;
}
