/**
 * What is used from outside, for knip, by which all else is unused that nobody imports: what packages export, by their
 * manifests, and what is run or loaded by its name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the command loads by name alone: the strategies of this repository, but for two that are imported too. */
const strategies = readdirSync('packages/pruners')
  .filter((name) => name !== 'acdc' && name !== 'sequential-attention-plus-plus')
  .map((name) => `@espalier/${name}`);

/** What a package has that is reached in other ways than by import of its exports. */
const LOADED_OTHERWISE = {
  'apps/harness': ['src/main.ts'],
  'packages/block-sparse': ['src/browser/page.ts'],
  'packages/blocks': ['src/ops/*/cases.ts'],
  'packages/experiment': ['src/browser/page.ts', 'src/executors/processes/*-process.ts'],
  'packages/reference': ['test/**/*.test.ts'],
  'packages/wasm-training': ['src/browser/page.ts', 'scripts/*.mjs'],
};

const folders = ['apps', 'packages', 'packages/pruners']
  .flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))
  .filter((folder) => existsSync(join(folder, 'package.json')));

export default {
  // Programs of the system, and this repository's own.
  ignoreBinaries: [
    'espalier',
    /^g\+\+$/,
    'lscpu',
    'mount',
    'nvidia-smi',
    'openssl',
    'parallel',
    'redis-cli',
    'redis-server',
    'strip',
    'taskset',
    'umount',
  ],
  workspaces: {
    '.': {
      entry: ['tools/*.mjs', 'tools/*/*.mjs', 'tools/in-chromium.ts'],
      project: ['tools/**/*.{mjs,ts}', '!**/*.d.mts', '!**/build/**'],
      // Where the schema of `.changeset/config.json` lies: a part of `@changesets/cli`.
      ignoreDependencies: ['@changesets/config'],
      vitest: { entry: ['tools/**/*.test.mjs'] },
    },
    benchmarks: {
      entry: ['*.bench.mjs', '*.worker.mjs', '*.config.ts', 'planted-omp.mjs'],
      project: ['*.{mjs,ts}'],
      ignoreDependencies: ['acdc', 'powerpropagation', 'str'].map((name) => `@espalier/${name}`),
    },
    examples: {
      entry: ['*.{js,ts}', '*/*.js'],
      project: ['**/*.{js,ts}', '!**/out/**', '!**/dist/**', '!next-page/**'],
    },
    ...Object.fromEntries(folders.map((folder) => [folder, workspaceOf(folder)])),
  },
};

function workspaceOf(folder) {
  const { exports = {}, devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (folder === 'packages/create-espalier-pruner') {
    // It names them for the packages that it makes.
    return {
      entry: ['src/*.test.mjs'],
      ignoreDependencies: Object.keys(devDependencies).filter((name) => /espalier|tfjs/.test(name)),
      project: ['{bin,src}/*'],
    };
  }
  return {
    entry: [...filesOf(exports).map(sourceOf), ...(LOADED_OTHERWISE[folder] ?? [])],
    // A file of WebAssembly's, src/**/*.as.ts, is not TypeScript.
    ignoreDependencies: folder === 'apps/harness' ? strategies : [],
    project: ['{src,test}/**/*.ts', '!src/**/*.as.ts'],
  };
}

/** The files that an export stands for, under all conditions. */
function filesOf(exported) {
  return typeof exported === 'string' ? [exported] : Object.values(exported).flatMap(filesOf);
}

function sourceOf(file) {
  return file.replace('./dist/', 'src/').replace(/(\.d\.ts|\.js)$/, '.ts');
}
