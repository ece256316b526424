/** The linter: recommended rules for all code, and the architecture's dependency rule. */
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

import declaredImports from './tools/lint/declared-imports.mjs';

/** What tests are made of: they may import what they are a test of, and with. */
const TESTS = [
  '**/*.test.{ts,js,mjs}',
  '**/test-*.ts',
  '**/cases.ts',
  'packages/*/src/browser/**',
  '{apps,packages}/*/test/**',
];

/**
 * Arrows point one way: apps → strategies and the packages beside them → core → blocks → tfjs. The rule is for static
 * imports and for `import()` of a literal, tests apart.
 *
 * @param files the files that the rule is for
 * @param allowed the Espalier packages they may import, as a regular expression of the name after `@espalier/`
 * @param reason what the reader is told
 */
const mayImport = (files, allowed, reason) => {
  const byName = 'Import another package by its name, not by its path.';
  const patterns = [
    { regex: `^@espalier/(?!(${allowed})$)`, message: reason },
    {
      regex: '^espalier(?!/config$)(/|$)',
      message: 'The command stands on the packages, not they on it.',
    },
    { regex: '/(packages|apps)/', message: byName },
    { regex: '^([.][.]/)+([^./][^/]*/)+(src|dist)/', message: byName },
  ];
  // A slash would end the regular expression within a selector.
  const dynamic = patterns.map(({ regex, message }) => ({
    selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\u002F')}/]`,
    message,
  }));
  return {
    files,
    ignores: TESTS,
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      'no-restricted-syntax': ['error', ...dynamic],
    },
  };
};

export default defineConfig(
  {
    ignores: [
      '**/dist/',
      '**/build/',
      '**/generated/',
      '**/assembly/',
      '**/*.as.ts',
      '.nx/',
      '**/runs/',
      '**/out/',
      'benchmarks/peers/environments/',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        structuredClone: 'readonly',
        URL: 'readonly',
        WebAssembly: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { plugins: { espalier: { rules: { 'declared-imports': declaredImports } } } },
  {
    files: ['{apps,packages,benchmarks}/**'],
    rules: { 'espalier/declared-imports': 'error' },
  },
  {
    files: [
      ...TESTS,
      '**/{vite,vitest}.config.ts',
      'packages/*/scripts/**',
      'packages/gradient-conformance/**',
    ],
    rules: { 'espalier/declared-imports': ['error', { development: true, workspace: ['vitest'] }] },
  },
  mayImport(['packages/blocks/**'], 'nothing', 'blocks knows @tensorflow/tfjs and nothing else.'),
  mayImport(['packages/gradients/**'], 'nothing', 'gradients knows @tensorflow/tfjs and nothing else.'),
  mayImport(
    ['packages/gradient-conformance/**'],
    'backend|gradients',
    'The sweep knows what it goes over: gradients, and the backends.',
  ),
  mayImport(
    ['packages/core/**'],
    'blocks(/.+)?|gradients',
    'core knows blocks, gradients, @tensorflow/tfjs and nothing else.',
  ),
  mayImport(['packages/pruners/**'], 'core', 'A strategy knows core and nothing else.'),
  mayImport(['packages/{models,safetensors,shrink,theory}/**'], 'core', 'This package may know core alone.'),
  mayImport(['packages/datasets/**'], 'nothing', 'Data are plain arrays: datasets knows no other package.'),
  mayImport(
    ['packages/workloads/**'],
    'core|datasets(/.+)?|models|optimizers',
    'workloads may know core, data sets, models and optimizers.',
  ),
  mayImport(
    ['packages/experiment/**'],
    'core|gradients|block-sparse|datasets|workloads',
    'An experiment is handed its strategies, and a backend that has been started: only executors/processes starts one.',
  ),
  mayImport(
    ['packages/experiment/src/executors/processes/**'],
    'core|workloads|backend|wasm-training/accelerators',
    'Processes start a backend of their own; strategies and workloads are loaded by reference.',
  ),
  mayImport(
    ['packages/recipes/**'],
    'core|experiment|workloads|acdc|sequential-attention-plus-plus',
    'Recipes know experiments, and the strategies that they vary.',
  ),
  mayImport(
    ['packages/report/**'],
    'core|experiment|workloads',
    'A report is drawn from what an experiment left: it may know experiment, what numbers are written like, and core.',
  ),
  mayImport(['packages/optimizers/**'], 'blocks(/.+)?', 'optimizers may know blocks alone.'),
  mayImport(
    ['packages/wasm-training/**'],
    'blocks(/.+)?|gradients|optimizers/wasm',
    'wasm-training may know blocks, gradients, and the kernels of optimizers.',
  ),
  mayImport(['packages/block-sparse/**'], 'core|blocks(/.+)?', 'block-sparse may know core and blocks.'),
  mayImport(['packages/pruner-conformance/**'], 'core', 'The conformance suite knows core alone.'),
  {
    files: ['packages/reference/src/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^[^.]', message: 'The reference is independent: it knows no package at all.' },
          ],
        },
      ],
    },
  },
  mayImport(
    ['packages/backend/**'],
    'blocks(/.+)?|gradients|optimizers/tensorflow|wasm-training(/.+)?',
    'backend starts backends: it may know blocks, kernels, gradients, and wasm-training.',
  ),
  mayImport(
    ['apps/playground/**'],
    '(?!backend|recipes|theory).+',
    'The playground knows what loads in a browser: strategies by name, and what they are compared by.',
  ),
  mayImport(
    ['apps/harness/**'],
    'core|backend|block-sparse(/.+)?|shrink|datasets(/.+)?|wasm-training(/.+)?|theory|experiment(/.+)?|recipes|report|workloads',
    'The harness knows strategies only through the Pruner interface: they are loaded by name.',
  ),
  mayImport(
    ['apps/harness/src/index.ts'],
    'core|block-sparse|shrink|sequential-attention-plus-plus',
    'The one import is what prunes and compresses a model, and nothing of the command.',
  ),
);
