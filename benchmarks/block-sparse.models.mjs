// The suite `models` of block-sparse.bench.mjs: what a pruned network takes to predict, and on disk, as a plain model
// and compressed. The blocks are kept at random: neither time nor size depends on which.

import { fileURLToPath } from 'node:url';

import { absentees, lines, median, number, ratioOf, spread } from './block-sparse.markdown.mjs';
import { absentOf, askInTurns, relaxed, startAll, stopAll } from './block-sparse.sides.mjs';

const WORKER = fileURLToPath(new URL('block-sparse.models.worker.mjs', import.meta.url));

const SIDES = [
  { name: 'stock tfjs wasm', side: 'stock', forms: ['dense'] },
  { name: 'wasm-training', side: 'espalier', forms: ['dense', 'compressed'] },
  ...relaxed({ name: 'wasm-training', side: 'espalier', forms: ['dense', 'compressed'] }),
];

/** Layer widths; the last layer stays dense. */
const NETWORKS = [
  { widths: [784, 512, 512, 10], block: 16 },
  { widths: [2048, 2048, 2048, 10], block: 32 },
];
const BATCHES = [1, 128];
const SPARSITIES = [0.8, 0.9, 0.95];

/** @returns { rows, absent }: times of a prediction in milliseconds, sizes in bytes */
export async function run(options) {
  const sides = await startAll(WORKER, SIDES);
  try {
    const cases = casesOf(sides.filter(({ absent }) => !absent));
    const answers = await askInTurns(cases, Number(options.rounds), ({ side: _, ...one }) => ({
      ...one,
      ms: Number(options.ms),
    }));
    const rows = cases.map((one, i) => rowOf(one, answers[i], densesOf(one, cases, answers)));
    return {
      options: { rounds: Number(options.rounds), msPerCase: Number(options.ms) },
      absent: absentOf(sides),
      rows,
    };
  } finally {
    stopAll(sides);
  }
}

/** Every case, in the order in which they are timed: what is compared is timed in a row. */
function casesOf(sides) {
  return NETWORKS.flatMap(({ widths, block }) =>
    SPARSITIES.flatMap((sparsity) =>
      BATCHES.flatMap((batch) =>
        sides.flatMap((side) =>
          side.forms.map((form) => ({ side, widths: widths.join('-'), block, sparsity, batch, form })),
        ),
      ),
    ),
  );
}

/** The times of the same network, dense, by the side's name. */
function densesOf(one, cases, answers) {
  const same = (other) =>
    other.form === 'dense' && ['widths', 'sparsity', 'batch'].every((key) => other[key] === one[key]);
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
    dense.find(
      ({ side, widths, sparsity, batch }) =>
        side === row.side && widths === row.widths && sparsity === row.sparsity && batch === row.batch,
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
          row.widths,
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
