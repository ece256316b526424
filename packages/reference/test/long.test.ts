/**
 * The whole matrix: every strategy and variant, on every kind of layer, under every optimiser. Writes `agreement.md`
 * beside the package's README. Run by `npm run test:long`.
 */
import { writeFileSync } from 'node:fs';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TOLERANCE } from './agreement/describe-agreement.js';
import { type Agreement, agreementOf } from './agreement.js';
import { allSettings } from './matrix.js';
import { groups } from './pairs/index.js';

const pairs = Object.values(groups).flatMap(({ strategies, variants }) => [
  ...Object.entries(strategies),
  ...Object.entries(variants),
]);

describe.runIf(process.env['MODE'] === 'long')('the whole matrix', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const rows: string[][] = [];

  it.each(pairs)('%s', { timeout: 3_600_000 }, async (name, pair) => {
    const results: Agreement[] = [];
    for (const setting of allSettings(pairs.findIndex(([own]) => own === name))) {
      const result = await agreementOf(pair, setting);
      expect(result.masks, JSON.stringify(setting)).toBeNull();
      expect(result.weights, JSON.stringify(setting)).toBeLessThan(TOLERANCE);
      results.push(result);
    }
    const largest = Math.max(...results.map(({ weights }) => weights));
    const smallest = Math.min(...results.map(({ gap }) => gap));
    rows.push([name, String(results.length), largest.toExponential(1), inWords(smallest)]);
  });

  afterAll(() => {
    writeFileSync(new URL('../agreement.md', import.meta.url), table(HEAD, rows));
  });
});

const HEAD = ['strategy', 'runs', 'largest difference of a weight', 'smallest gap of a choice'];

/** In Markdown, the first column left and the others right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return `${[line(head), line(rule), ...rows.map(line)].join('\n')}\n`;
}

function inWords(gap: number): string {
  return gap === Infinity ? 'no choice' : gap.toExponential(1);
}
