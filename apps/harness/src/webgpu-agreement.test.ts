/** Every strategy and every kind of layer train on WebGPU as on the cpu: on SwiftShader, a software adapter; all of them in `check:long`. */
import { BackendError, softwareAdapter, startBackend, type StartedBackend } from '@espalier/backend';
import { sparsePhases } from '@espalier/block-sparse';
import { placePhases, sparsify, type Pruner, type Search, type SparseExecution } from '@espalier/core';
import { loadPruner } from '@espalier/experiment/node';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, vi } from 'vitest';

import { isLong } from '../test/command.js';
import { openRegistry } from './registry.js';
import { isOfEachKind } from './test-strategies.js';

Object.assign(process.env, softwareAdapter() ?? {});
const webgpu: StartedBackend | BackendError = await startBackend('webgpu').catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = webgpu instanceof BackendError;
const where = absent ? `skipped: ${webgpu.message}` : webgpu.device;
const { pruners } = await openRegistry(null);

const STEPS = 20;
/** Products of up to 128 numbers go through a shader that a software adapter is very slow at. */
const BATCH = 16;

/** Numbers from −1 to 1, the same for the same seed. */
function randomTensor(shape: readonly number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape([...shape]);
  let state = seed;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  return tf.tensor(Float32Array.from({ length: size }, next), [...shape]);
}

interface Setting {
  readonly pruner: Pruner;
  readonly totalSteps: number;
  /** Of these, as many are trained and compared. */
  readonly steps: number;
  readonly model: () => tf.LayersModel;
  readonly inputs?: (step: number) => tf.Tensor;
  readonly sparsePhases?: SparseExecution;
}

/** Loss and masks of each step, and how many tensors are left (tfjs' optimiser forgets one): on the current backend. */
async function train(setting: Setting) {
  const { pruner, totalSteps, steps, model: make, inputs, sparsePhases = null } = setting;
  const before = tf.memory().numTensors;
  const model = make();
  tf.tidy(() =>
    model.setWeights(
      model.weights.map(({ name, shape }, i) => {
        const random = randomTensor(shape as number[], i + 1);
        return name.includes('variance') ? random.square() : random.mul(0.6);
      }),
    ),
  );
  const optimizer = tf.train.momentum(0.05, 0.9);
  const target = { sparsity: 0.7, blockShape: [4, 4], totalSteps, minimumBlocks: 2, optimizer } as const;
  const [, ...inputShape] = model.inputs[0]!.shape as number[];
  const inputsOf = (step: number) => inputs?.(step) ?? randomTensor([BATCH, ...inputShape], 100 + step);
  // Looking whether it is finite reads it back.
  const calibration = pruner.importance.usesInputs ? inputsOf(200) : undefined;
  const pruning = await sparsify(model, pruner, {
    ...{ ...target, sparsePhases },
    ...(calibration && { calibration }),
  });
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const [, ...outputShape] = model.outputs[0]!.shape as number[];
  const losses: tf.Scalar[] = [];
  const masks: string[] = [];
  for (let step = 0; step < steps; step++) {
    const x = inputsOf(step);
    const y = randomTensor([BATCH, ...outputShape], 200 + step);
    const error = () => (model.apply(x, { training: true }) as tf.Tensor).sub(y);
    losses.push(optimizer.minimize(() => error().square().mean() as tf.Scalar, true, variables)!);
    await pruning.step();
    masks.push(pruning.kernels.map(({ mask }) => mask.join('')).join(' '));
    tf.dispose([x, y]);
  }
  const values = await Promise.all(losses.map(async (loss) => (await loss.data())[0]!));
  pruning.abandon();
  tf.dispose([calibration ?? [], losses]);
  optimizer.dispose();
  model.dispose();
  return { losses: values, masks, left: tf.memory().numTensors - before };
}

async function expectAsOnCpu(setting: Setting): Promise<string[]> {
  await tf.setBackend('cpu');
  const expected = await train(setting);
  await tf.setBackend('webgpu');
  const actual = await train(setting);
  if (!absent) await webgpu.finished();
  expect(actual.masks).toEqual(expected.masks);
  expect(actual.left).toBe(expected.left);
  expected.losses.forEach((loss, step) => {
    // Written so that NaN fails too.
    const near = Math.abs(actual.losses[step]! - loss) <= 1e-4 * Math.abs(loss);
    if (!near) expect.fail(`the loss of step ${step} is ${actual.losses[step]}, on the cpu ${loss}`);
  });
  return expected.masks;
}

/** With choices as often as 20 steps want to see them. */
function hurried(search: Search): Search {
  const phases = search.phases.map((phase) =>
    typeof phase.selection === 'string' ? phase : { ...phase, selection: { everySteps: 4 } },
  );
  return { ...search, phases };
}

/** The fewest steps, from those that are compared on, in which every phase has its own. */
function stepsFor({ phases }: Search): number {
  for (let steps = STEPS; ; steps++) {
    try {
      placePhases(phases, steps);
      return steps;
    } catch (error) {
      if (steps > 500) throw error;
    }
  }
}

const { dense, conv1d, conv2d, conv2dTranspose, depthwiseConv2d, separableConv2d } = tf.layers;
const { averagePooling2d, batchNormalization, embedding, flatten, gru, lstm, maxPooling2d, simpleRNN } =
  tf.layers;

const perceptron = () =>
  tf.sequential({
    layers: [
      dense({ units: 14, inputShape: [10], activation: 'relu', useBias: false }),
      dense({ units: 10, useBias: false }),
    ],
  });

const kinds: [string, number[], () => tf.layers.Layer[]][] = [
  ['conv1d', [6, 4], () => [conv1d({ filters: 8, kernelSize: 3 })]],
  ['conv2d, strided', [5, 5, 4], () => [conv2d({ filters: 8, kernelSize: 3, strides: 2, padding: 'same' })]],
  [
    'conv2d, batch normalisation, max pooling',
    [4, 4, 4],
    () => [
      conv2d({ filters: 8, kernelSize: 2, padding: 'same', useBias: false }),
      batchNormalization({}),
      maxPooling2d({ poolSize: 2 }),
    ],
  ],
  [
    'average pooling',
    [4, 4, 4],
    () => [conv2d({ filters: 8, kernelSize: 1 }), averagePooling2d({ poolSize: 2 })],
  ],
  ['conv2dTranspose', [2, 2, 4], () => [conv2dTranspose({ filters: 8, kernelSize: 2 })]],
  ['depthwiseConv2d', [4, 4, 4], () => [depthwiseConv2d({ kernelSize: 3, depthMultiplier: 4 })]],
  ['separableConv2d', [3, 3, 4], () => [separableConv2d({ filters: 8, kernelSize: 2, depthMultiplier: 4 })]],
  ['embedding', [6], () => [embedding({ inputDim: 12, outputDim: 8 })]],
  ['simpleRNN', [2, 12], () => [simpleRNN({ units: 12 })]],
  ['gru', [2, 12], () => [gru({ units: 12 })]],
  ['lstm', [2, 12], () => [lstm({ units: 12 })]],
];
/** Of many programs, which a browser's software compiles for seconds; one of them stands for all but in `check:long`. */
const RECURRENT = ['simpleRNN', 'gru'];

describe.skipIf(absent)(`on ${where}`, () => {
  it.each(pruners.filter(({ name }) => isLong || isOfEachKind(name)))(
    '$name trains 20 steps as on the cpu',
    async (reference) => {
      const loaded = await loadPruner(reference);
      const pruner = { ...loaded, search: hurried(loaded.search) };
      const totalSteps = stepsFor(pruner.search);
      const masks = await expectAsOnCpu({ pruner, totalSteps, steps: STEPS, model: perceptron });
      // Something was chosen: at the start, as in iterative thresholding, or on the way.
      expect(new Set(masks).size > 1 || masks[0]!.includes('0')).toBe(true);
    },
  );

  it('sparse phases that compute with the kept blocks alone train as on the cpu', async () => {
    const model = () =>
      tf.sequential({
        layers: [
          conv2d({ filters: 12, kernelSize: 3, inputShape: [4, 4, 4], activation: 'relu' }),
          flatten(),
          dense({ units: 9 }),
        ],
      });
    const attention = pruners.find(({ name }) => name === 'softmax-attention')!;
    await tf.setBackend('webgpu');
    const backend = tf.backend() as unknown as { runWebGPUProgram(program: { shaderKey: string }): unknown };
    const programs = vi.spyOn(backend, 'runWebGPUProgram');
    await expectAsOnCpu({
      pruner: await loadPruner(attention),
      totalSteps: 6,
      steps: 6,
      model,
      sparsePhases: sparsePhases({ costs: 'always' }),
    });
    const ran = programs.mock.calls.map(([{ shaderKey }]) => shaderKey.split('_')[0]);
    expect(ran).toEqual(expect.arrayContaining(['blockSparseMatMul', 'blockSparseWeightGradient']));
    programs.mockRestore();
  });

  it('reads nothing back from the device on the way but the scores of a choice', async () => {
    await tf.setBackend('webgpu');
    const reads = vi.spyOn(tf.backend(), 'read');
    const attention = pruners.find(({ name }) => name === 'softmax-attention')!;
    await train({ pruner: await loadPruner(attention), totalSteps: STEPS, steps: STEPS, model: perceptron });
    // The 20 losses, at the end; and half way through training, once, the scores of two kernels.
    expect(reads).toHaveBeenCalledTimes(STEPS + 2);
    reads.mockRestore();
  });

  it.each(isLong ? kinds : kinds.filter(([name]) => !RECURRENT.includes(name)))(
    '%s trains as on the cpu',
    async (name, inputShape, layers) => {
      const model = () => {
        const input = tf.input({ shape: inputShape });
        const features = layers().reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
        const flat = features.shape.length > 2 ? (flatten().apply(features) as tf.SymbolicTensor) : features;
        return tf.model({ inputs: input, outputs: dense({ units: 12 }).apply(flat) as tf.SymbolicTensor });
      };
      const indices = (step: number) =>
        tf.tensor(
          Array.from({ length: BATCH * 6 }, (_, i) => (5 * i + step) % 12),
          [BATCH, 6],
        );
      const attention = pruners.find(({ name }) => name === 'softmax-attention')!;
      const masks = await expectAsOnCpu({
        pruner: await loadPruner(attention),
        totalSteps: 4,
        steps: 4,
        model,
        ...(name === 'embedding' && { inputs: indices }),
      });
      expect(new Set(masks).size).toBe(2);
    },
  );
});
