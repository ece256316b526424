// The suite `training` of block-sparse.bench.mjs: what sparse phases are worth. A training step dense, masked, and with
// the kept blocks alone; and a whole SequentialAttention++ run with sparse phases and without, with its masks and loss.

import { fileURLToPath } from 'node:url';

import { absentees, lines, median, number, ratioOf, spread } from './block-sparse.markdown.mjs';
import { networksOf } from './block-sparse.networks.mjs';
import {
  absentOf,
  ask,
  askInTurns,
  onBlas,
  relaxed,
  startAll,
  stopAll,
  wantedOf,
} from './block-sparse.sides.mjs';

const WORKER = fileURLToPath(new URL('block-sparse.training.worker.mjs', import.meta.url));

const SIDE = { name: 'wasm-training', side: 'espalier' };
export const sides = [SIDE, ...relaxed(SIDE), onBlas(SIDE)];

const SPARSITIES = [0.8, 0.9, 0.95];
const FORMS = ['dense', 'masked', 'sparse'];

/** The whole run: the MNIST network on as many steps as two epochs of MNIST have. */
const RUN = { network: '784-512-512-10', block: 16, sparsity: 0.9, steps: 938 };

/** @returns { rows, runs, absent } */
export async function run(options) {
  const started = await startAll(WORKER, wantedOf(sides, options.sides));
  try {
    const present = started.filter(({ absent }) => !absent);
    const { rounds } = options;
    const steps = networksOf(options.networks).flatMap(({ network, block, trainingBatch: batch }) =>
      SPARSITIES.flatMap((sparsity) =>
        present.flatMap((side) => FORMS.map((form) => ({ side, network, block, batch, sparsity, form }))),
      ),
    );
    const answers = await askInTurns(steps, rounds, ({ side: _, ...one }) => ({
      ...one,
      step: true,
      ms: options.ms,
    }));
    return {
      options: { rounds, msPerCase: options.ms, run: RUN },
      absent: absentOf(started),
      rows: steps.map((one, i) => rowOf(one, answers[i], steps, answers)),
      // A whole run is of one network, which may not be among those that are asked for.
      runs: options.networks?.includes(RUN.network) === false ? [] : await wholeRuns(present),
    };
  } finally {
    stopAll(started);
  }
}

function rowOf({ side, ...one }, answers, steps, all) {
  const times = answers.map(({ medianMs }) => medianMs);
  const timesFaster = (form) => {
    const same = (other) => ['network', 'block', 'sparsity'].every((key) => other[key] === one[key]);
    const at = steps.findIndex((other) => other.side === side && other.form === form && same(other));
    return ratioOf(
      all[at].map(({ medianMs }) => medianMs),
      times,
    );
  };
  const ratios = one.form === 'sparse' && { dense: timesFaster('dense'), masked: timesFaster('masked') };
  return { side: side.name, ...one, ms: median(times), timesFaster: ratios || null };
}

/** With and without, one after the other on the same side; each in turn, as a run takes long enough. */
async function wholeRuns(sides) {
  const runs = [];
  for (const side of sides) {
    const [without, withThem] = [
      await ask(side, { ...RUN, form: 'masked' }),
      await ask(side, { ...RUN, form: 'sparse' }),
    ];
    runs.push({
      side: side.name,
      maskedSeconds: without.seconds,
      sparseSeconds: withThem.seconds,
      maskedLoss: without.loss,
      sparseLoss: withThem.loss,
      maskedAccuracy: without.accuracy,
      sparseAccuracy: withThem.accuracy,
      sameMasks: without.masks === withThem.masks,
      blocksThatDiffer: [...without.masks].filter((bit, i) => bit !== withThem.masks[i]).length,
    });
  }
  return runs;
}

export function table({ rows, runs, absent, environment, options }) {
  const msOf = (row, form) =>
    rows.find(
      (other) =>
        other.form === form &&
        ['side', 'network', 'block', 'sparsity'].every((key) => other[key] === row[key]),
    ).ms;
  return [
    '## Training: sparse phases',
    `${environment.cpu}, ${environment.cores} cores, Node ${environment.node}. A training step (momentum, weight ` +
      `decay) dense, masked, and with the kept blocks alone. Medians over ${options.rounds} rounds; times faster, and ` +
      'between brackets the least and the most of the rounds.',
    lines([
      [
        'network',
        'batch',
        'block',
        'sparsity',
        'side',
        'dense, ms',
        'masked, ms',
        'sparse, ms',
        '× dense',
        '× masked',
      ],
      ...rows
        .filter(({ form }) => form === 'sparse')
        .map((row) => [
          row.network,
          row.batch,
          `${row.block} × ${row.block}`,
          `${+(100 * row.sparsity).toFixed(1)}%`,
          row.side,
          number(msOf(row, 'dense')),
          number(msOf(row, 'masked')),
          number(row.ms),
          spread(row.timesFaster.dense),
          spread(row.timesFaster.masked),
        ]),
    ]),
    `A whole SequentialAttention++ run, ${options.run.steps} steps of the network ${options.run.network} on random ` +
      `classes, ${100 * options.run.sparsity}% in ${options.run.block} × ${options.run.block}, all its phases:`,
    lines([
      ['side', 'without, s', 'with, s', 'times faster', 'loss without', 'with', 'blocks that differ'],
      ...runs.map((one) => [
        one.side,
        number(one.maskedSeconds),
        number(one.sparseSeconds),
        number(one.maskedSeconds / one.sparseSeconds),
        one.maskedLoss.toFixed(6),
        one.sparseLoss.toFixed(6),
        one.blocksThatDiffer,
      ]),
    ]),
    ...absentees(absent),
  ].join('\n\n');
}
