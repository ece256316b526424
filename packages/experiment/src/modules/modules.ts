/** Loading a user's modules, by path or package name: TypeScript is stripped on the way. */
import { isAbsolute, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { assertArgument, aText } from '@espalier/core';
import { createJiti } from 'jiti';

import { UsageError } from '../errors.js';
import { within } from '../patience.js';

/**
 * Finds packages as a module in the folder where the command runs would, not as the harness would. What it transpiles
 * is kept nowhere: its own cache may be a folder where others can write, and would be run unseen.
 */
const jiti = createJiti(pathToFileURL(resolve('espalier')).href, { fsCache: false });

/** Of a module, with what it imports and awaits. */
const LOADING_MS = 2 * 60_000;

const aName = aText("a module's path, or a package's name");

export function isModulePath(asked: string): boolean {
  assertArgument('isModulePath()', 'asked', asked, aName);
  return /^\.|\.[cm]?[jt]s$/.test(asked) || isAbsolute(asked);
}

/**
 * @param name of a scoped package; other names are left for what is built in
 * @returns the path of what it exports, null when it is not installed
 */
export function findPackage(name: string): string | null {
  assertArgument('findPackage()', 'name', name, aName);
  const url = name.startsWith('@') ? jiti.esmResolve(name, { try: true }) : undefined;
  return url ? fileURLToPath(url) : null;
}

/**
 * A module's default export; undefined when it has none.
 *
 * @param module an absolute path, or the name of a package that is installed beside the experiment
 * @throws UsageError with the place of the error when a module at a path cannot be loaded
 */
export async function loadModule(module: string): Promise<unknown> {
  assertArgument('loadModule()', 'module', module, aName);
  const load = async (): Promise<{ default?: unknown }> => {
    if (/\.[cm]?ts$/.test(module)) return jiti.import(module);
    return import(isAbsolute(module) ? pathToFileURL(module).href : module);
  };
  const loading = within(load(), {
    ...{ ms: LOADING_MS, what: `Loading ${module}` },
    remedy: 'see what it awaits at its top level',
  });
  const loaded = await loading.catch((error: unknown) => {
    if (!isAbsolute(module) || error instanceof UsageError) throw error;
    throw new UsageError(`${module} cannot be loaded: ${summary(error)}`);
  });
  return loaded.default;
}

/** The error's first line and the first place in the user's own files. */
function summary(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message.split('\nRequire stack:')[0]?.replace(/\s+/g, ' ').trim();
  const places = error.stack?.match(/(?<=[\s(]|file:\/\/)\/[^\s():]+:\d+(:\d+)?/g) ?? [];
  const place = places.find(
    (path) => !path.includes(`${sep}node_modules${sep}`) && !path.startsWith(import.meta.dirname),
  );
  const known = place === undefined || message?.includes(place);
  return `${error.name === 'Error' ? '' : `${error.name}: `}${message}${known ? '' : ` (${place})`}`;
}
