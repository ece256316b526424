/** Check: an interrupted run goes on as if it had not been interrupted. */
import {
  global,
  placePhases,
  selectsAt,
  uniform,
  type Allocation,
  type PlacedPhase,
  type PruningState,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check, type ConformanceOptions, type MakePruner } from './conformance.js';
import {
  difference,
  finishRecord,
  masksOf,
  onCpu,
  recordRun,
  startRun,
  stepsFor,
  trainStep,
  type RunRecord,
  type Run,
} from './workbench.js';

/** What a checkpoint holds: variables as numbers, the pruning's state as text. */
interface Checkpoint {
  readonly step: number;
  readonly weights: readonly Float32Array[];
  readonly slots: readonly {
    readonly name: string;
    readonly shape: number[];
    readonly values: Float32Array;
  }[];
  readonly state: string;
}

/**
 * A run that is stored in the middle of a phase (the model's weights with what the strategy added, the optimiser's,
 * `pruning.state()`), or about a choice that takes the place of a step, and taken up by a new model ends with the same bits as one that was not interrupted. Under an
 * allocation by scores too, where the run itself remembers what they gave each layer.
 */
export const checkResume: Check = onCpu(async (makePruner, options) => {
  for (const allocation of [uniform, global]) await verifyResume(makePruner, allocation, options);
});

async function verifyResume(
  makePruner: MakePruner,
  allocation: Allocation,
  options: ConformanceOptions,
): Promise<void> {
  const totalSteps = stepsFor(makePruner(), options);
  const stored = moments(makePruner, totalSteps);
  const target = { allocation };
  const run = await startRun(makePruner(), { totalSteps, target });
  const checkpoints: Checkpoint[] = [];
  const masks = [masksOf(run.pruning)];
  for (let step = 0; step < totalSteps; step++) {
    if (stored.has(step)) checkpoints.push(await save(run, step));
    await trainStep(run, step);
    masks.push(masksOf(run.pruning));
  }
  const uninterrupted = await finishRecord(run, masks);

  for (const checkpoint of checkpoints) {
    // Another model, of other weights: whatever is not restored will differ.
    const resumed = await startRun(makePruner(), { totalSteps, target, seed: 3 });
    await restore(resumed, checkpoint);
    const rest = await recordRun({ ...resumed, data: run.data }, checkpoint.step);
    const differs = difference(since(uninterrupted, checkpoint.step), rest);
    ensure(
      differs === null,
      `A run restored at step ${checkpoint.step} of ${totalSteps}, in the phase '${phaseName(makePruner, totalSteps, checkpoint.step)}', ` +
        `does not go on as it would have (steps counted from there): ${differs}. What a strategy remembers must be in ` +
        'trainables or buffers, which are saved',
    );
  }
}

/**
 * The middle of the first phase of each name, and of the last of all; and just before and after the first choice that
 * takes the place of a step.
 */
function moments(makePruner: MakePruner, totalSteps: number): Set<number> {
  const placed = placePhases(makePruner().search.phases, totalSteps);
  const firsts = placed.filter(
    ({ phase }, i) => placed.findIndex((other) => other.phase.name === phase.name) === i,
  );
  const last = placed.slice(-1);
  const middles = [...firsts, ...last].map(({ start, end }) => Math.floor((start + end) / 2));
  return new Set([...middles, ...placed.flatMap(aroundChoice)]);
}

function aroundChoice(placed: PlacedPhase): number[] {
  if (!placed.phase.inPlaceOfStep) return [];
  for (let step = placed.start + 1; step < placed.end; step++) {
    if (selectsAt(placed, step)) return [step - 1, step];
  }
  return [];
}

function phaseName(makePruner: MakePruner, totalSteps: number, step: number): string {
  const placed = placePhases(makePruner().search.phases, totalSteps);
  return placed.find(({ end }) => step < end)?.phase.name ?? '';
}

async function save({ model, optimizer, pruning }: Run, step: number): Promise<Checkpoint> {
  const numbers = (tensor: tf.Tensor) => tensor.dataSync<'float32'>().slice();
  return {
    step,
    weights: model.weights.map((weight) => numbers(weight.read())),
    slots: (await optimizer.getWeights()).map(({ name, tensor }) => ({
      name,
      shape: tensor.shape,
      values: numbers(tensor),
    })),
    state: JSON.stringify(pruning.state()),
  };
}

async function restore(
  { model, optimizer, pruning }: Run,
  { weights, slots, state }: Checkpoint,
): Promise<void> {
  tf.tidy(() =>
    model.weights.forEach((weight, i) =>
      (weight.read() as tf.Variable).assign(tf.tensor(weights[i] as Float32Array, weight.shape as number[])),
    ),
  );
  await optimizer.setWeights(
    slots.map(({ name, shape, values }) => ({ name, tensor: tf.tensor(values, shape) })),
  );
  pruning.restore(JSON.parse(state) as PruningState);
}

function since({ masks, ...rest }: RunRecord, step: number): RunRecord {
  return { ...rest, masks: masks.slice(step) };
}
