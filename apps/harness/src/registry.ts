/**
 * Where strategies and workloads come from. The built-in ones are a list of modules, loaded as a user's own
 * are: by a package name, a path, or a name from `espalier.config.ts`.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { UsageError, type Reference } from '@espalier/experiment';
import { assertName, findPackage, isModulePath, loadModule } from '@espalier/experiment/node';
import { workloads } from '@espalier/workloads';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

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
  'wanda',
  'random',
] as const;

/** What `compare` trains when nothing is named. */
export const defaultWorkload = 'planted-blocks';

/** By the path of its file: trials load it in processes of their own, from another package. */
const builtIn = (name: string, module = `@espalier/${name}`): Reference => ({
  ...{ name, asked: name },
  module: fileURLToPath(import.meta.resolve(module)),
  section: 'default',
  contentHash: null,
});

const builtInPruners: readonly Reference[] = [
  ...[...defaultPruners, ...furtherPruners].map((name) => builtIn(name)),
  builtIn('ompr', '@espalier/omp/ompr'),
];

const builtInWorkloads: readonly Reference[] = Object.keys(workloads)
  .sort((a, b) => Number(b === defaultWorkload) - Number(a === defaultWorkload))
  .map((name) => builtIn(name, `@espalier/workloads/${name}`));

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
      return { name, asked: name, module: configPath, section, contentHash };
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
  const module = isModulePath(asked) ? resolve(asked) : findPackage(asked);
  const found = known.find((reference) => reference.name === asked || reference.module === module);
  if (found) return found;
  if (module) return moduleReference(asked, module);
  const names = known.map(({ name }) => name);
  throw new UsageError(
    `Unknown ${what} '${asked}': did you mean '${closest(asked, names)}'? (\`espalier list\` shows all; a module is ` +
      'given by its path or its scoped package name)',
  );
}

/** On another machine a file is found by its own name, wherever it lies there. */
async function moduleReference(name: string, module: string): Promise<Reference> {
  const asked = isModulePath(name) ? basename(module) : name;
  return { ...{ name, asked, module }, section: 'default', contentHash: await hashFile(module) };
}

async function hashFile(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new UsageError(`The module ${path} cannot be read (${error.message}): check its path`);
  });
  return createHash('sha256').update(bytes).digest('hex');
}
