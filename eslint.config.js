/** The linter: recommended rules for all code, and the architecture's dependency rule. */
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Arrows point one way: apps → strategies and the packages beside them → core → tfjs.
 *
 * @param files the files that the rule is for
 * @param allowed the Espalier packages they may import, as a regular expression of the name after `@espalier/`
 * @param reason what the reader is told
 */
const mayImport = (files, allowed, reason) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: `^@espalier/(?!(${allowed})$)`, message: reason },
          { regex: '/(packages|apps)/', message: 'Import another package by its name, not by its path.' },
        ],
      },
    ],
    // The same of import(), which the rule above does not see.
    'no-restricted-syntax': [
      'error',
      {
        selector: `ImportExpression > Literal[value=/^@espalier\\u002F(?!(${allowed.replaceAll('/', '\\u002F')})$)/]`,
        message: reason,
      },
    ],
  },
});

export default defineConfig(
  {
    ignores: ['**/dist/', '**/build/', '**/generated/', '**/assembly/', '**/*.as.ts', '.nx/', '**/runs/'],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        URL: 'readonly',
        WebAssembly: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  mayImport(['packages/blocks/**'], 'nothing', 'blocks knows @tensorflow/tfjs and nothing else.'),
  mayImport(['packages/core/**'], 'blocks(/.+)?', 'core knows blocks, @tensorflow/tfjs and nothing else.'),
  mayImport(['packages/pruners/**'], 'core|pruner-conformance', 'A strategy knows core and nothing else.'),
  mayImport(['packages/{models,theory}/**'], 'core', 'This package may know core alone.'),
  mayImport(['packages/datasets/**'], 'nothing', 'Data are plain arrays: datasets knows no other package.'),
  mayImport(
    ['packages/workloads/**'],
    'core|datasets(/.+)?|models|wasm-training',
    'workloads may know core, data sets, models and what trains them.',
  ),
  mayImport(
    ['packages/experiment/**'],
    'core|block-sparse|datasets|workloads',
    'An experiment is handed its strategies, and a backend that has been started: only executors/processes starts one.',
  ),
  mayImport(
    ['packages/experiment/src/executors/processes/**'],
    'core|workloads|backend|wasm-training/(blas|threads)',
    'Processes start a backend of their own; strategies and workloads are loaded by reference.',
  ),
  mayImport(
    ['packages/{datasets,workloads,experiment}/**/*.test.ts', 'packages/experiment/{src/browser,test}/**'],
    '.+',
    'Tests may know what they need.',
  ),
  mayImport(['packages/wasm-training/**'], 'blocks(/.+)?', 'wasm-training may know blocks alone.'),
  mayImport(
    ['packages/block-sparse/**'],
    'core|blocks(/.+)?|backend|magnitude',
    'block-sparse may know core and blocks, and its tests the backends and one strategy.',
  ),
  mayImport(['packages/pruner-conformance/**'], 'core', 'The conformance suite knows core alone.'),
  mayImport(
    ['packages/backend/**'],
    'core|blocks/.+|wasm-training(/.+)?',
    'backend starts backends: it may know the kernels of blocks, and wasm-training.',
  ),
  mayImport(
    ['apps/**'],
    'core|backend|datasets(/.+)?|models|wasm-training(/.+)?|theory|block-sparse|experiment(/.+)?|workloads(/.+)?|harness',
    'The harness knows strategies only through the Pruner interface: they are loaded by name.',
  ),
);
