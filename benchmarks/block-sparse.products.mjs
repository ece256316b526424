// The suite `products` of block-sparse.bench.mjs: x · W, dy · Wᵀ and xᵀ · dy, with W block-sparse and dense.
//
// Each side runs in a process of its own (block-sparse.products.worker.mjs), as kernels are registered for a whole
// process. The processes stay, and take turns case by case: for each block size the dense sides are timed anew,
// between the sparse ones, and a ratio is one of two times of the same round and block size.

import { fileURLToPath } from 'node:url';

import * as vega from 'vega';
import * as vegaLite from 'vega-lite';

import { absentees, grouped, lines, median, number, ratioOf, spread } from './block-sparse.markdown.mjs';
import { absentOf, askInTurns, onBlas, relaxed, startAll, stopAll, wantedOf } from './block-sparse.sides.mjs';

const WORKER = fileURLToPath(new URL('block-sparse.products.worker.mjs', import.meta.url));

export const sides = [
  { name: 'stock tfjs wasm', side: 'stock', dense: true },
  { name: 'onnxruntime-node, one thread', side: 'onnxruntime', dense: true },
  { name: 'wasm-training', side: 'wasm-training', dense: true },
  ...relaxed({ name: 'wasm-training', side: 'wasm-training', dense: true }),
  onBlas({ name: 'wasm-training', side: 'wasm-training', dense: true }),
  { name: 'tfjs tensorflow', side: 'tensorflow', dense: true },
  { name: 'tfjs webgpu', side: 'webgpu', dense: true },
  { name: 'block-sparse', side: 'block-sparse', dense: false },
  ...relaxed({ name: 'block-sparse', side: 'block-sparse', dense: false }),
  onBlas({ name: 'block-sparse', side: 'block-sparse', dense: false }),
  { name: 'block-sparse on tensorflow', side: 'block-sparse:tensorflow', dense: false },
  { name: 'block-sparse on webgpu', side: 'block-sparse:webgpu', dense: false },
];

const TITLES = { forward: 'x · W', transposed: 'dy · Wᵀ', gradient: 'xᵀ · dy' };

/** @returns { rows, absent }: times in milliseconds, medians over the rounds; ratios of times, round by round */
export async function run(options) {
  const started = await startAll(WORKER, wantedOf(sides, options.sides));
  try {
    const cases = casesOf(
      options,
      started.filter(({ absent }) => !absent),
    );
    const answers = await askInTurns(cases, options.rounds, ({ side: _, ...one }, round) => ({
      ...one,
      ms: options.ms,
      seed: round + 1,
    }));
    return {
      options: { rounds: options.rounds, msPerCase: options.ms },
      absent: absentOf(started),
      rows: cases.map((one, i) => rowOf(one, answers[i], densesOf(one, cases, answers))),
    };
  } finally {
    stopAll(started);
  }
}

/** Every case, in the order in which they are timed: for each block size the dense sides, then the sparse ones. */
function casesOf(options, sides) {
  const cases = [];
  for (const [batch, n, m] of options.shapes) {
    for (const block of options.blocks) {
      for (const product of options.products) {
        const common = { product, batch, n, m, block };
        for (const side of sides) {
          if (side.dense) cases.push({ ...common, side, sparsity: null });
          else for (const sparsity of options.sparsities) cases.push({ ...common, side, sparsity });
        }
      }
    }
  }
  return cases;
}

/** The times of the same product on the dense sides, by the side's name. */
function densesOf(one, cases, answers) {
  const same = ({ side, sparsity, ...rest }) => sparsity === null && side !== one.side && sameCase(rest, one);
  return cases.flatMap((other, i) =>
    same(other) ? [[other.side.name, answers[i].map(({ medianMs }) => medianMs)]] : [],
  );
}

function sameCase(a, b) {
  return Object.keys(a).every((key) => a[key] === b[key]);
}

function rowOf({ side, product, batch, n, m, block, sparsity }, answers, denses) {
  const times = answers.map(({ medianMs }) => medianMs);
  const ms = median(times);
  return {
    side: side.name,
    product,
    shape: [batch, n, m],
    block,
    sparsity,
    ms,
    minMs: Math.min(...answers.map(({ minMs }) => minMs)),
    gflops: (2 * batch * answers[0].weights) / ms / 1e6,
    timesFaster: Object.fromEntries(denses.map(([name, theirs]) => [name, ratioOf(theirs, times)])),
  };
}

/** Markdown: for each shape and product the dense sides, then a line for each block size and sparsity. */
export function table({ rows, absent, environment, options }) {
  const parts = [
    '## Products',
    `${environment.cpu}, ${environment.cores} cores, Node ${environment.node}. Medians over ${options.rounds} rounds; ` +
      'times faster than the same product dense, and between brackets the least and the most of the rounds.',
  ];
  for (const [shape, ofShape] of grouped(rows, ({ shape: sizes }) => sizes.join(' × '))) {
    for (const [product, ofProduct] of grouped(ofShape, (row) => row.product)) {
      const dense = grouped(
        ofProduct.filter((row) => row.sparsity === null),
        (row) => row.side,
      );
      const sparse = ofProduct.filter((row) => row.sparsity !== null);
      const references = [...dense.keys()];
      parts.push(
        `### ${TITLES[product]}, ${shape}`,
        lines([
          ['dense', 'ms', 'GFLOPS'],
          ...[...dense].map(([side, same]) => [
            side,
            number(median(same.map(({ ms }) => ms))),
            number(median(same.map(({ gflops }) => gflops))),
          ]),
        ]),
        lines([
          [
            'block',
            'sparsity',
            'side',
            'ms',
            'GFLOPS on kept blocks',
            ...references.map((name) => `× ${name}`),
          ],
          ...sparse.map((row) => [
            `${row.block} × ${row.block}`,
            `${+(100 * row.sparsity).toFixed(1)}%`,
            row.side,
            number(row.ms),
            number(row.gflops),
            ...references.map((name) => spread(row.timesFaster[name])),
          ]),
        ]),
      );
    }
  }
  parts.push(...absentees(absent));
  return parts.join('\n\n');
}

/** SVG: times faster against sparsity, a line for each block size, and the ideal 1 / (1 − sparsity). */
export async function plot({ rows }) {
  const sparse = rows.filter(
    ({ sparsity, product, side }) =>
      sparsity !== null && product === 'forward' && side.startsWith('block-sparse'),
  );
  const [shape] = grouped(sparse, (row) => row.shape.join(' × ')).keys();
  const fastest = sparse.some(({ side }) => side.endsWith('relaxed SIMD'))
    ? 'block-sparse, relaxed SIMD'
    : 'block-sparse';
  const points = sparse
    .filter((row) => row.side === fastest && row.shape.join(' × ') === shape)
    .flatMap(({ block, sparsity, timesFaster }) =>
      Object.entries(timesFaster).map(([reference, ratio]) => ({ reference, block, sparsity, ...ratio })),
    );
  const references = [...new Set(points.map(({ reference }) => reference))];
  const sparsities = [...new Set(points.map(({ sparsity }) => sparsity))].sort((a, b) => a - b);
  const ideal = references.flatMap((reference) =>
    sparsities.map((sparsity) => ({ reference, sparsity, median: 1 / (1 - sparsity) })),
  );
  const x = { field: 'sparsity', type: 'quantitative', scale: { zero: false }, axis: { format: '.0%' } };
  const y = { field: 'median', type: 'quantitative', scale: { type: 'log' }, title: 'times faster' };
  const specification = {
    title: `x · W, ${shape}: ${fastest} against dense`,
    data: { values: [...points, ...ideal] },
    facet: { field: 'reference', type: 'nominal', title: 'dense on', sort: references },
    columns: 2,
    spec: {
      width: 240,
      height: 240,
      layer: [
        {
          transform: [{ filter: 'datum.block' }],
          mark: { type: 'line', point: true },
          encoding: { x, y, color: { field: 'block', type: 'ordinal', title: 'block side' } },
        },
        {
          transform: [{ filter: '!datum.block' }],
          mark: { type: 'line', strokeDash: [4, 4], color: 'black' },
          encoding: { x, y },
        },
      ],
    },
    config: { background: 'white' },
  };
  const view = new vega.View(vega.parse(vegaLite.compile(specification).spec), { renderer: 'none' });
  return view.toSVG();
}
