/** One part of tensorflow.bench.mjs on one number of threads, in a process of its own: prints each row as a line of JSON. */
import { startBackend } from '@espalier/backend';
import { compress, sparsePhases } from '@espalier/block-sparse';
import {
  blockGrid,
  blockSparseMatMul,
  blockSparseWeightGradient,
  gatherBlocks,
  maskBlocks,
  patternOf,
} from '@espalier/blocks';
import { sparsify } from '@espalier/core';
import { multilayerPerceptron } from '@espalier/models';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

/** So that phases have steps between their first and their last. */
const SETTINGS = { 'sequential-attention-plus-plus': { cycles: 2 } };

const { backend, threads, part, rounds, burstMs, only = '' } = JSON.parse(process.argv[2]);
const { device } = await startBackend(backend, backend === 'tensorflow' ? { threads } : {});

const print = (row) => process.stdout.write(`${JSON.stringify({ ...row, device })}\n`);
const parts = { products, predictions, steps };
await parts[part]();

/** The three products of a layer, dense and over a tenth of the blocks. */
async function products() {
  const cases = [
    { batch: 128, size: 1024, block: 32 },
    { batch: 128, size: 1024, block: 16 },
    { batch: 1, size: 2048, block: 32 },
    { batch: 128, size: 2048, block: 32 },
    { batch: 256, size: 4096, block: 64 },
  ].filter(
    ({ size, batch, block }) =>
      `${batch},${size},${block}`.includes(only) && (backend === 'tensorflow' || size <= 1024),
  );
  for (const { batch, size, block } of cases) {
    const grid = blockGrid([size, size], [block, block]);
    const pattern = patternOf(grid, tenthOf(grid.blocks));
    const [x, dy, w] = [batch, batch, size].map((length, i) =>
      tf.randomNormal([length, size], 0, 1, 'float32', i + 1),
    );
    const values = gatherBlocks(w, pattern);
    const pairs = {
      'x·W': [() => tf.matMul(x, w), () => blockSparseMatMul(x, values, pattern)],
      'dy·Wᵀ': [
        () => tf.matMul(dy, w, false, true),
        () => blockSparseMatMul(dy, values, pattern, { transposed: true }),
      ],
      'xᵀ·dy': [() => tf.matMul(x, dy, true, false), () => blockSparseWeightGradient(x, dy, pattern)],
    };
    for (const [product, sides] of Object.entries(pairs)) {
      const [dense, sparse] = await takeTurns(sides.map((run) => () => finished(tf.tidy(run))));
      print({
        name: `${batch} × ${size} × ${size}, ${block} × ${block}, ${product}`,
        ...compared(dense, sparse),
      });
    }
    tf.dispose([x, dy, w, values]);
  }
}

/** A perceptron's predictions, dense and compressed, nine tenths of the blocks zero. */
async function predictions() {
  const networks = [
    { name: 'planted-blocks', sizes: [256, 128], block: 8 },
    { name: 'small', sizes: [64, 64, 64, 10], block: 8 },
    { name: 'MNIST', sizes: [784, 512, 512, 10], block: 16 },
    { name: 'wide', sizes: [2048, 2048, 2048, 10], block: 32 },
  ].filter(({ name }) => name.includes(only) && (backend === 'tensorflow' || name !== 'wide'));
  for (const { name, sizes, block } of networks) {
    const [inputs, ...hidden] = sizes;
    const outputs = hidden.pop();
    const dense = multilayerPerceptron({ inputs, hidden, outputs, seed: 0 });
    pruneAtRandom(dense, block);
    const small = await compress(dense, { blockShape: [block, block] });
    for (const batch of [1, 16, 128]) {
      const x = tf.randomUniform([batch, inputs], 0, 1, 'float32', 1);
      const times = await takeTurns([dense, small].map((model) => () => finished(model.predict(x))));
      print({ name: `${name}, ${sizes.join('-')}, batch ${batch}`, ...compared(...times) });
      x.dispose();
    }
    tf.dispose([dense, small]);
  }
}

/** Training steps of a wide perceptron, dense and under strategies, a kind of phase at a time. */
async function steps() {
  const contestants = [await contestant('dense', null, null)];
  const strategies = ['sequential-attention-plus-plus', 'powerpropagation', 'str', 'magnitude'];
  for (const name of strategies.filter((name) => name.includes(only))) {
    const { default: strategy } = await import(`@espalier/${name}`);
    const make = () => strategy(SETTINGS[name]);
    contestants.push(await contestant(name, make(), null));
    if (name !== 'powerpropagation' && name !== 'str') {
      contestants.push(await contestant(name, make(), sparsePhases({ costs: 'always' })));
    }
  }
  const measured = new Map();
  const [dense, ...others] = contestants;
  /** Of each the kinds of its step before, and of the one that is next. */
  const kinds = new Map(others.map(({ kind }) => [kind, [kind(), kind()]]));
  for (let round = 0; round < rounds; round++) {
    let before = await timedOnce(dense.step);
    for (const { name, sparse, step, kind } of others) {
      const own = await timedOnce(step);
      const after = await timedOnce(dense.step);
      const [last, now, next] = [...kinds.get(kind), kind()];
      kinds.set(kind, [now, next]);
      // What a phase begins or ends with is made in the step before, or in its first.
      const isInside = last === now && now === next;
      const key = `${name}, ${isInside ? now : `between phases${sparse ? ', sparse' : ''}`}`;
      measured.set(key, [...(measured.get(key) ?? []), { own, dense: halfOf(before, after) }]);
      before = after;
    }
  }
  for (const [name, pairs] of measured) {
    const sides = ['dense', 'own'].map((side) => pairs.map((pair) => pair[side]));
    print({ name, ...compared(...sides) });
  }
}

/** At the target, on the way to it, or before. */
function kindOf(sparsity, sparse) {
  if (sparsity === 0) return 'every block kept';
  if (sparsity < 0.89) return `some blocks kept${sparse ? ', sparse' : ''}`;
  return sparse ? 'sparse phase, 90%' : 'masked, 90%';
}

async function contestant(name, pruner, execution) {
  const model = multilayerPerceptron({ inputs: 2048, hidden: [2048, 2048], outputs: 10, seed: 0 });
  const x = tf.randomUniform([128, 2048], 0, 1, 'float32', 1);
  const labels = tf.tidy(() => tf.oneHot(tf.randomUniform([128], 0, 10, 'int32', 2), 10).toFloat());
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 });
  const target = { sparsity: 0.9, blockShape: [32, 32], totalSteps: rounds + 2, optimizer };
  const pruning = pruner && (await sparsify(model, pruner, { ...target, sparsePhases: execution }));
  const variables = model.trainableWeights.map((weight) => weight.read());
  const step = async () => {
    const loss = optimizer.minimize(
      () => softmaxCrossEntropy(labels, model.apply(x, { training: true })),
      true,
      variables,
    );
    await pruning?.step();
    loss.dataSync();
    loss.dispose();
  };
  for (let i = 0; i < 2; i++) await step();
  const sparse = execution !== null;
  return { name, sparse, step, kind: () => kindOf(pruning?.sparsity ?? 0, sparse) };
}

function pruneAtRandom(model, block) {
  for (const layer of model.layers) {
    const [kernel, ...rest] = layer.getWeights();
    const [n, m] = kernel.shape;
    if (n < block || m < block) continue;
    const grid = blockGrid([n, m], [block, block]);
    tf.tidy(() => {
      const mask = tf.tensor2d(Float32Array.from(tenthOf(grid.blocks)), [...grid.gridShape]);
      layer.setWeights([maskBlocks(kernel, mask, grid), ...rest]);
    });
  }
}

/** Each block with a chance of a tenth, from a seed. */
function tenthOf(blocks) {
  const random = tf.tidy(() => tf.randomUniform([blocks], 0, 1, 'float32', 7).dataSync());
  return Uint8Array.from(random, (number) => Number(number < 0.1));
}

/** On the processor TensorFlow has done its work when a call returns. */
function finished(result) {
  result.dispose();
}

/** Bursts of each side in turn; of each its times, a burst a round. */
async function takeTurns(sides) {
  const repeats = sides.map((run) => {
    for (let i = 0; i < 3; i++) run();
    const started = performance.now();
    for (let i = 0; i < 3; i++) run();
    return Math.max(1, Math.round((3 * burstMs) / (performance.now() - started)));
  });
  const times = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of sides.entries()) {
      times[i].push(
        await timedOnce(async () => {
          for (let j = 0; j < repeats[i]; j++) run();
        }, repeats[i]),
      );
    }
  }
  return times;
}

/** By the clock, and of the processor, which other processes touch less. */
async function timedOnce(run, repeats = 1) {
  const before = process.cpuUsage();
  const start = performance.now();
  await run();
  const wallMs = (performance.now() - start) / repeats;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 / repeats };
}

function halfOf(a, b) {
  return { wallMs: (a.wallMs + b.wallMs) / 2, cpuMs: (a.cpuMs + b.cpuMs) / 2 };
}

/** A ratio is that of neighbours in one round. */
function compared(dense, own) {
  const least = (times) => Math.min(...times.map(({ wallMs }) => wallMs));
  const spread = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    return { least: at(0), lower: at(0.25), median: at(0.5), upper: at(0.75) };
  };
  return {
    denseMs: spread(dense.map(({ wallMs }) => wallMs)),
    ms: spread(own.map(({ wallMs }) => wallMs)),
    leastRatio: least(own) / least(dense),
    ratio: spread(own.map(({ wallMs }, i) => wallMs / dense[i].wallMs)),
    cpuRatio: spread(own.map(({ cpuMs }, i) => cpuMs / dense[i].cpuMs)),
    rounds: own.length,
  };
}
