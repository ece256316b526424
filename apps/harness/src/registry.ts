/**
 * Where strategies and workloads come from. The built-in ones are a list of modules, loaded as a user's own
 * are: by a package name, a path, or a name from `espalier.config.ts`.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Pruner } from '@espalier/core';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

import { UsageError } from './errors.js';
import { findPackage, isModulePath, loadModule } from './modules.js';
import type { Reference } from './trial/trial.js';
import type { Workload } from './workload.js';

/** The strategies that `compare` runs when none are named. */
export const defaultPruners = [
  'magnitude',
  'acdc',
  'powerpropagation',
  'str',
  'softmax-attention',
  'sequential-attention-plus-plus',
] as const;

/** Those that are there to be named. */
const furtherPruners = [
  'gmp',
  'iht',
  'group-lasso',
  'l1-masks',
  'sequential-attention',
  'omp',
  'rigl',
  'structured-dst',
  'random',
] as const;

const builtIn = (name: string, module = `@espalier/${name}`): Reference => ({
  name,
  module,
  section: 'default',
  contentHash: null,
});

const builtInPruners: readonly Reference[] = [
  ...[...defaultPruners, ...furtherPruners].map((name) => builtIn(name)),
  builtIn('ompr', '@espalier/omp/ompr'),
];

const builtInWorkloads: readonly Reference[] = ['planted-blocks', 'mnist-mlp'].map((name) =>
  builtIn(name, fileURLToPath(new URL(`./workloads/${name}.js`, import.meta.url))),
);

/** What `espalier.config.ts` may export as its default. */
export interface EspalierConfig {
  /** Strategies by name; a function is called without arguments. */
  readonly pruners?: Readonly<Record<string, Pruner | (() => Pruner)>>;
  readonly workloads?: Readonly<Record<string, Workload>>;
}

/** Gives `espalier.config.ts` its types. */
export function defineConfig(config: EspalierConfig): EspalierConfig {
  return config;
}

const configSchema = z.strictObject(
  {
    pruners: z.record(z.string(), z.unknown()).default({}),
    workloads: z.record(z.string(), z.unknown()).default({}),
  },
  {
    error: ({ code, keys }) =>
      code === 'unrecognized_keys' ? `it has no place for ${keys.join(', ')}` : undefined,
  },
);

export interface Registry {
  readonly pruners: readonly Reference[];
  readonly workloads: readonly Reference[];
}

/** @param configPath the config file's absolute path, if there is one */
export async function openRegistry(configPath: string | null): Promise<Registry> {
  if (!configPath) return { pruners: builtInPruners, workloads: builtInWorkloads };
  const config = configSchema.safeParse(await loadModule(configPath));
  if (!config.success) {
    throw new UsageError(
      `${configPath} is no config (${config.error.issues[0]?.message}): ` +
        'export default defineConfig({ pruners: { … }, workloads: { … } })',
    );
  }
  const contentHash = await hashFile(configPath);
  const own = (section: 'pruners' | 'workloads'): Reference[] =>
    Object.keys(config.data[section]).map((name) => {
      assertName(name, configPath);
      return { name, module: configPath, section, contentHash };
    });
  const besides = (mine: Reference[], builtIn: readonly Reference[]) => [
    ...mine,
    ...builtIn.filter(({ name }) => !mine.some((reference) => reference.name === name)),
  ];
  return {
    pruners: besides(own('pruners'), builtInPruners),
    workloads: besides(own('workloads'), builtInWorkloads),
  };
}

/**
 * Finds what a user named: a known name, else a module.
 *
 * @throws UsageError with the nearest known name when there is neither
 */
export async function resolveReference(
  asked: string,
  known: readonly Reference[],
  what: 'strategy' | 'workload',
): Promise<Reference> {
  const found = known.find(({ name, module }) => name === asked || module === asked);
  if (found) return found;
  const module = isModulePath(asked) ? resolve(asked) : findPackage(asked);
  if (module) return { name: asked, module, section: 'default', contentHash: await hashFile(module) };
  const names = known.map(({ name }) => name);
  throw new UsageError(
    `Unknown ${what} '${asked}': did you mean '${closest(asked, names)}'? (\`espalier list\` shows all; a module is ` +
      'given by its path or its scoped package name)',
  );
}

export async function loadPruner(reference: Reference): Promise<Pruner> {
  const value = await loadReference(reference);
  const pruner = whole<Pruner>(
    typeof value === 'function' ? make(value as () => unknown, reference) : value,
    ['name', 'settings', 'parameterisation', 'importance', 'search'],
    'strategy',
    reference,
  );
  // The name it was asked by, so that two settings of one strategy are two rows of a table.
  return { ...pruner, name: nameOf(pruner, reference) };
}

export async function loadWorkload(reference: Reference): Promise<Workload> {
  const workload = whole<Workload>(
    await loadReference(reference),
    ['name', 'task', 'defaults', 'load', 'model', 'optimizer', 'learningRate'],
    'workload',
    reference,
  );
  return { ...workload, name: nameOf(workload, reference) };
}

async function loadReference({ module, section, name }: Reference): Promise<unknown> {
  const exported = await loadModule(module);
  return section === 'default' ? exported : (exported as EspalierConfig)[section]?.[name];
}

function make(factory: () => unknown, { name, module }: Reference): unknown {
  try {
    return factory();
  } catch (error) {
    throw new UsageError(`The strategy '${name}' of ${module} cannot be made: ${(error as Error).message}`);
  }
}

/** Takes what a module exports for what it should be, when all the parts are there. */
function whole<T extends object>(
  value: unknown,
  parts: readonly (keyof T & string)[],
  what: string,
  { name, module }: Reference,
): T {
  const lacking = parts.filter((part) => (value as T | null | undefined)?.[part] === undefined);
  if (lacking.length === 0) return value as T;
  throw new UsageError(`${module} has no ${what} '${name}': what it exports lacks ${lacking.join(', ')}`);
}

function nameOf(loaded: { readonly name: string }, reference: Reference): string {
  if (reference.section !== 'default') return reference.name;
  assertName(loaded.name, reference.module);
  return loaded.name;
}

/** Names become those of folders, and are told apart from the baseline's. */
function assertName(name: string, module: string): void {
  if (/^\w[\w.=+-]*$/.test(name) && name !== 'dense') return;
  throw new UsageError(
    `${module} calls something '${name}': a name is of letters, digits and . _ = + -, and not 'dense', which is the baseline's`,
  );
}

async function hashFile(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new UsageError(`The module ${path} cannot be read (${error.message}): check its path`);
  });
  return createHash('sha256').update(bytes).digest('hex');
}
