/** The manifest of a package that stands alone. What it is built and tested with is what this package names itself. */
import { readFileSync } from 'node:fs';

const OWN = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/**
 * @param {ReturnType<typeof import('./names.js').namesOf>} names
 * @param {{ op: boolean }} options
 */
export function manifestOf({ name, packageName }, { op }) {
  const ranges = OWN.devDependencies;
  const { '@espalier/blocks': blocks, ...tools } = ranges;
  return {
    name: packageName,
    version: '0.1.0',
    description: `${name}: a pruning strategy for Espalier`,
    type: 'module',
    engines: OWN.engines,
    keywords: ['espalier', 'pruning', 'sparsity', 'tensorflow.js'],
    // The op's kernel is registered when its module is imported.
    sideEffects: op ? ['./dist/block-sums.js'] : false,
    files: ['dist'],
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    scripts: {
      build: 'tsc -p tsconfig.build.json',
      typecheck: 'tsc -p tsconfig.json',
      test: 'vitest run --testTimeout=60000',
      compare: `espalier compare --pruners magnitude,${name}`,
      tune: `espalier tune --pruners magnitude,${name}`,
      prepublishOnly: 'npm run build && npm test',
    },
    peerDependencies: {
      ...(op && { '@espalier/blocks': blocks }),
      '@espalier/core': ranges['@espalier/core'],
      '@tensorflow/tfjs': `^${ranges['@tensorflow/tfjs']}`,
    },
    devDependencies: { ...(op && { '@espalier/blocks': blocks }), ...tools },
  };
}
