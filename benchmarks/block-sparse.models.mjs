// The suite `models` of block-sparse.bench.mjs: what a pruned network takes to predict, and on disk, as a plain model
// and compressed. The blocks are kept at random: neither time nor size depends on which.

import { fileURLToPath } from 'node:url';

import { absentees, lines, median, number, ratioOf, spread } from './block-sparse.markdown.mjs';
import { networksOf } from './block-sparse.networks.mjs';
import { absentOf, askInTurns, onBlas, relaxed, startAll, stopAll, wantedOf } from './block-sparse.sides.mjs';

const WORKER = fileURLToPath(new URL('block-sparse.models.worker.mjs', import.meta.url));

export const sides = [
  { name: 'stock tfjs wasm', side: 'stock', forms: ['dense'] },
  { name: 'wasm-training', side: 'espalier', forms: ['dense', 'compressed'] },
  ...relaxed({ name: 'wasm-training', side: 'espalier', forms: ['dense', 'compressed'] }),
  onBlas({ name: 'wasm-training', side: 'espalier', forms: ['dense', 'compressed'] }),
];

const SPARSITIES = [0.8, 0.9, 0.95];

/** @returns { rows, absent }: times of a prediction in milliseconds, sizes in bytes */
export async function run(options) {
  const started = await startAll(WORKER, wantedOf(sides, options.sides));
  try {
    const cases = casesOf(
      started.filter(({ absent }) => !absent),
      networksOf(options.networks),
    );
    const answers = await askInTurns(cases, options.rounds, ({ side: _, ...one }) => ({
      ...one,
      ms: options.ms,
    }));
    const rows = cases.map((one, i) => rowOf(one, answers[i], densesOf(one, cases, answers)));
    return {
      options: { rounds: options.rounds, msPerCase: options.ms },
      absent: absentOf(started),
      rows,
    };
  } finally {
    stopAll(started);
  }
}

/** Every case, in the order in which they are timed: what is compared is timed in a row. */
function casesOf(sides, networks) {
  return networks.flatMap(({ network, block, predictionBatches }) =>
    SPARSITIES.flatMap((sparsity) =>
      predictionBatches.flatMap((batch) =>
        sides.flatMap((side) => side.forms.map((form) => ({ side, network, block, sparsity, batch, form }))),
      ),
    ),
  );
}

/** The times of the same network, dense, by the side's name. */
function densesOf(one, cases, answers) {
  const same = (other) =>
    other.form === 'dense' &&
    ['network', 'block', 'sparsity', 'batch'].every((key) => other[key] === one[key]);
  return cases.flatMap((other, i) =>
    same(other) && other !== one ? [[other.side.name, answers[i].map(({ medianMs }) => medianMs)]] : [],
  );
}

function rowOf({ side, ...one }, answers, denses) {
  const times = answers.map(({ medianMs }) => medianMs);
  const { bytes, leastBytes } = answers[0];
  return {
    side: side.name,
    ...one,
    ms: median(times),
    bytes,
    leastBytes,
    timesFaster: Object.fromEntries(denses.map(([name, theirs]) => [name, ratioOf(theirs, times)])),
  };
}

/** Markdown: a line for each compressed network, beside the dense ones. */
export function table({ rows, absent, environment, options }) {
  const dense = rows.filter(({ form }) => form === 'dense');
  const references = [...new Set(dense.map(({ side }) => side))];
  const denseOf = (row) =>
    dense.find((other) =>
      ['side', 'network', 'block', 'sparsity', 'batch'].every((key) => other[key] === row[key]),
    );
  return [
    '## Whole models: predictions and files',
    `${environment.cpu}, ${environment.cores} cores, Node ${environment.node}. Medians over ${options.rounds} rounds; ` +
      'times faster than the dense network on each side, and between brackets the least and the most of the rounds. ' +
      'The last column is the saved size over 4 bytes × the weights that are kept and those that are dense.',
    lines([
      [
        'network',
        'block',
        'sparsity',
        'batch',
        'side',
        'dense, ms',
        'compressed, ms',
        ...references.map((name) => `× ${name}`),
        'dense, MB',
        'compressed, MB',
        'over least',
      ],
      ...rows
        .filter(({ form }) => form === 'compressed')
        .map((row) => [
          row.network,
          `${row.block} × ${row.block}`,
          `${+(100 * row.sparsity).toFixed(1)}%`,
          row.batch,
          row.side,
          number(denseOf(row).ms),
          number(row.ms),
          ...references.map((name) => spread(row.timesFaster[name])),
          number(denseOf(row).bytes / 1e6),
          number(row.bytes / 1e6),
          (row.bytes / row.leastBytes).toFixed(3),
        ]),
    ]),
    ...absentees(absent),
  ].join('\n\n');
}
