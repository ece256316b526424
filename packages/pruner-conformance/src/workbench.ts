/**
 * What the checks work on: a small model under a strategy, its data, and a record of what a run did. All of it
 * comes from seeds.
 */
import {
  aFunction,
  assertArgument,
  assertOptions,
  assertParts,
  aText,
  nonZeroBlocks,
  placePhases,
  sparsify,
  uniform,
  wholeNumber,
  type BlockMask,
  type Calibration,
  type KernelState,
  type ModelPruning,
  type Pruner,
  type Target,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check, type ConformanceOptions, type MakePruner } from './conformance.js';

const FEWEST_STEPS = 24;
const MOST_STEPS = 2000;
const BATCH = 4;

/** That checks run on. */
export const aBackend = aText("the name of a backend of tfjs': 'cpu'");

/** What every check is given. */
export const aMaker = aFunction('a function that makes the strategy: () => magnitude()');

/**
 * A check on the backend that is asked for, that leaves no variable behind, also where it fails, and no tensor but the
 * scalar that a tfjs optimiser keeps of its learning rate. What is no strategy at all is a TypeError.
 */
export function onBackend(
  check: (makePruner: MakePruner, options: ConformanceOptions) => Promise<void>,
): Check {
  return async (makePruner, options = {}) => {
    assertArgument('A check', 'makePruner', makePruner, aMaker);
    assertOptions('A check', options, { totalSteps: wholeNumber(), backend: aBackend });
    await tf.setBackend(options.backend ?? 'cpu');
    const engine = tf.engine();
    const before = new Set(Object.values(engine.registeredVariables));
    engine.startScope();
    try {
      await check(() => whole(makePruner()), options);
    } finally {
      engine.endScope();
      tf.dispose(Object.values(engine.registeredVariables).filter((variable) => !before.has(variable)));
    }
  };
}

/** @throws TypeError for what is no strategy */
function whole(pruner: Pruner): Pruner {
  assertParts(pruner);
  return pruner;
}

/** The steps of a run: those asked for, or the fewest that give every phase one. */
export function stepsFor(pruner: Pruner, { totalSteps }: ConformanceOptions): number {
  if (totalSteps !== undefined) return totalSteps;
  for (let steps = FEWEST_STEPS; steps < MOST_STEPS; steps++) {
    try {
      placePhases(pruner.search.phases, steps);
      return steps;
    } catch {
      // One step more.
    }
  }
  placePhases(pruner.search.phases, MOST_STEPS); // What it throws says what is wrong with the phases.
  return MOST_STEPS;
}

/** The middle of the first phase of each name, and of the last of all. */
export function middles(makePruner: MakePruner, totalSteps: number): Set<number> {
  const placed = placePhases(makePruner().search.phases, totalSteps);
  const firsts = placed.filter(
    ({ phase }, i) => placed.findIndex((other) => other.phase.name === phase.name) === i,
  );
  const last = placed.slice(-1);
  return new Set([...firsts, ...last].map(({ start, end }) => Math.floor((start + end) / 2)));
}

/** `count` numbers from −1 to 1, the same for the same seed (mulberry32). */
export function randomValues(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  });
}

export function randomTensor<T extends tf.Tensor = tf.Tensor2D>(shape: readonly number[], seed: number): T {
  return tf.tensor(randomValues(tf.util.sizeFromShape([...shape]), seed), [...shape]) as T;
}

/** Gives a model's weights values from a seed, in size those of a usual initialiser. */
export function seedWeights(model: tf.LayersModel, seed: number): void {
  tf.tidy(() =>
    model.setWeights(
      model.weights.map(({ shape }, i) => randomTensor(shape as number[], seed * 100 + i).mul(0.7)),
    ),
  );
}

/** The dense model of most checks, 8 → 10 → 5: 15 and 12 blocks of 3 × 2, ragged below both kernels. */
export function denseModel(seed: number): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'first', units: 10, inputShape: [8], activation: 'tanh' }),
      tf.layers.dense({ name: 'second', units: 5 }),
    ],
  });
  seedWeights(model, seed);
  return model;
}

/** Uniform, whatever a strategy's own allocation: the checks count `k` by themselves, layer by layer. */
export const defaultTarget = {
  sparsity: 0.75,
  blockShape: [3, 2],
  minimumBlocks: 1,
  allocation: uniform,
} as const satisfies Partial<Target>;

export const momentum = () => tf.train.momentum(0.05, 0.9);

/**
 * Calibration inputs, for strategies that score by what comes to layers; nothing for others.
 *
 * @param given of a model its inputs, of variables their rows by name
 */
export function calibrated(pruner: Pruner, given: Calibration): { calibration?: Calibration } {
  const { importance, growth } = pruner;
  return importance.usesInputs || growth?.usesInputs ? { calibration: given } : {};
}

export interface RunSetting {
  readonly totalSteps: number;
  readonly target?: Partial<Target>;
  readonly optimizer?: tf.Optimizer;
  /** Of the initial weights and the data. */
  readonly seed?: number;
}

/** The dense model in training under a strategy. */
export interface Run {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly pruning: ModelPruning;
  readonly data: Data;
  readonly totalSteps: number;
}

/** As many batches as there are steps. */
export interface Data {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
}

export function denseData(totalSteps: number, seed: number): Data {
  return {
    x: randomTensor([BATCH * totalSteps, 8], seed * 1000 + 1),
    y: randomTensor([BATCH * totalSteps, 5], seed * 1000 + 2),
  };
}

export async function startRun(
  pruner: Pruner,
  { totalSteps, target, optimizer = momentum(), seed = 1 }: RunSetting,
): Promise<Run> {
  const model = denseModel(seed);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const data = denseData(totalSteps, seed);
  const inputs = calibrated(pruner, data.x);
  const pruning = await sparsify(model, pruner, { ...defaultTarget, totalSteps, ...inputs, ...target });
  return { model, optimizer, pruning, data, totalSteps };
}

/** Trains one step, on the batch of its number, and moves the pruning on. */
export async function trainStep({ model, pruning, data }: Run, step: number): Promise<void> {
  const [x, y] = batchOf(data, step);
  const loss = await model.trainOnBatch(x, y);
  tf.dispose([x, y]);
  ensure(Number.isFinite(loss), () => `The loss at step ${step} is ${String(loss)}`);
  await pruning.step();
}

export function batchOf({ x, y }: Data, step: number): [tf.Tensor2D, tf.Tensor2D] {
  const rows = ({ shape }: tf.Tensor2D): [number, number] => [BATCH, shape[1]];
  return [x.slice([step * BATCH, 0], rows(x)), y.slice([step * BATCH, 0], rows(y))];
}

export async function fit({ model, pruning, data: { x, y } }: Run): Promise<void> {
  await model.fit(x, y, {
    epochs: 1,
    batchSize: BATCH,
    shuffle: false,
    verbose: 0,
    callbacks: pruning.callback(),
  });
}

/** What a run did: its masks after every step, and the weights that it ended with. */
export interface RunRecord {
  readonly kernels: readonly string[];
  readonly masks: readonly (readonly string[])[];
  readonly weightNames: readonly string[];
  readonly weights: readonly Float32Array[];
}

/** Trains from a step to the end, and finalizes. */
export async function recordRun(run: Run, from = 0): Promise<RunRecord> {
  const masks = [masksOf(run.pruning)];
  for (let step = from; step < run.totalSteps; step++) {
    await trainStep(run, step);
    masks.push(masksOf(run.pruning));
  }
  return finishRecord(run, masks);
}

export async function finishRecord({ model, pruning }: Run, masks: readonly string[][]): Promise<RunRecord> {
  await pruning.finalize();
  return {
    kernels: pruning.kernels.map(({ name }) => name),
    masks,
    weightNames: model.weights.map(({ name }) => name),
    weights: model.getWeights().map((weight) => weight.dataSync<'float32'>().slice()),
  };
}

export function masksOf({ kernels }: { readonly kernels: readonly KernelState[] }): string[] {
  return kernels.map(({ mask }) => mask.join(''));
}

/** Where two runs differ first, in words; null where they are the same to the last bit. */
export function difference(one: RunRecord, other: RunRecord): string | null {
  for (const [step, masks] of one.masks.entries()) {
    const kernel = masks.findIndex((mask, i) => mask !== other.masks[step]?.[i]);
    if (kernel !== -1) {
      return `after step ${step} the masks of ${one.kernels[kernel]} are ${masks[kernel]} and ${other.masks[step]?.[kernel]}`;
    }
  }
  for (const [i, weight] of one.weights.entries()) {
    const at = weight.findIndex((value, j) => !Object.is(value, other.weights[i]?.[j]));
    if (at !== -1) {
      return `at the end ${one.weightNames[i]} differs: its number ${at} is ${weight[at]} and ${other.weights[i]?.[at]}`;
    }
  }
  return null;
}

/** What the network computes with in a kernel's place now, row by row. */
export function effectiveValues(kernel: KernelState): Float32Array {
  return tf.tidy(() => kernel.effective().dataSync<'float32'>().slice());
}

/** The values, zero in the blocks that the mask does not keep. */
export function masked({ grid }: KernelState, values: Float32Array, mask: BlockMask): Float32Array {
  const { matrixShape, blockShape, gridShape } = grid;
  return values.map((value, i) => {
    const row = Math.floor(Math.floor(i / matrixShape[1]) / blockShape[0]);
    const column = Math.floor((i % matrixShape[1]) / blockShape[1]);
    return mask[row * gridShape[1] + column] ? value : 0;
  });
}

/** Blocks with anything but zeros. */
export function countNonZeroBlocks({ grid }: KernelState, values: Float32Array): number {
  return nonZeroBlocks(values, grid).reduce((sum, bit) => sum + bit, 0);
}

/** `k = max(1, round(G · (1 − s)))` of a sparsity of up to six digits, whose complement in doubles is not quite. */
export function targetBlocks({ grid }: KernelState, sparsity: number): number {
  return Math.max(1, Math.round((grid.blocks * Math.round(1e6 * (1 - sparsity))) / 1e6));
}
