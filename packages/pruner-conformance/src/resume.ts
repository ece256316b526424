/** Check: an interrupted run goes on as if it had not been interrupted. */
import { global, placePhases, selectsAt, uniform, type Allocation } from '@espalier/core';

import { ensure, type Check, type ConformanceOptions, type MakePruner } from './conformance.js';
import {
  calibrated,
  difference,
  finishRecord,
  masksOf,
  middles,
  onBackend,
  recordRun,
  startRun,
  stepsFor,
  trainStep,
  type RunRecord,
} from './workbench.js';

/** A run as `pruning.checkpoint()` stores it, and when. */
interface Stored {
  readonly step: number;
  readonly checkpoint: Uint8Array;
}

/**
 * A run that is stored in the middle of a phase, or just before or after a choice that takes the place of a step, by
 * `pruning.checkpoint()`, and taken up by a new model ends with the same bits as one that was not interrupted. Under an allocation by scores too, where the run itself remembers what they gave
 * each layer.
 */
export const checkResume: Check = onBackend(async (makePruner, options) => {
  for (const allocation of [uniform, global]) await verifyResume(makePruner, allocation, options);
});

async function verifyResume(
  makePruner: MakePruner,
  allocation: Allocation,
  options: ConformanceOptions,
): Promise<void> {
  const totalSteps = stepsFor(makePruner(), options);
  const moments = new Set([...middles(makePruner, totalSteps), ...aboutExchanges(makePruner, totalSteps)]);
  const target = { allocation };
  const run = await startRun(makePruner(), { totalSteps, target });
  const checkpoints: Stored[] = [];
  const masks = [masksOf(run.pruning)];
  for (let step = 0; step < totalSteps; step++) {
    if (moments.has(step)) checkpoints.push({ step, checkpoint: await run.pruning.checkpoint() });
    await trainStep(run, step);
    masks.push(masksOf(run.pruning));
  }
  const uninterrupted = await finishRecord(run, masks);

  for (const { step, checkpoint } of checkpoints) {
    // Another model, of other weights: whatever is not restored will differ.
    const pruner = makePruner();
    const same = { ...target, ...calibrated(pruner, run.data.x) };
    const resumed = await startRun(pruner, { totalSteps, target: same, seed: 3 });
    await resumed.pruning.resume(checkpoint);
    const rest = await recordRun({ ...resumed, data: run.data }, step);
    const differs = difference(since(uninterrupted, step), rest);
    ensure(
      differs === null,
      `A run resumed at step ${step} of ${totalSteps}, in the phase '${phaseName(makePruner, totalSteps, step)}', ` +
        `does not go on as it would have (steps counted from there): ${differs}. What a strategy remembers must be in ` +
        'trainables or buffers, which are saved',
    );
  }
}

/** The steps before and after the first choice of each phase that takes the place of a step. */
function aboutExchanges(makePruner: MakePruner, totalSteps: number): number[] {
  return placePhases(makePruner().search.phases, totalSteps).flatMap((placed) => {
    if (!placed.phase.inPlaceOfStep) return [];
    const steps = Array.from({ length: placed.end - placed.start - 1 }, (_, i) => placed.start + 1 + i);
    const first = steps.find((step) => selectsAt(placed, step));
    return first === undefined ? [] : [first - 1, first];
  });
}

function phaseName(makePruner: MakePruner, totalSteps: number, step: number): string {
  const placed = placePhases(makePruner().search.phases, totalSteps);
  return placed.find(({ end }) => step < end)?.phase.name ?? '';
}

function since({ masks, ...rest }: RunRecord, step: number): RunRecord {
  return { ...rest, masks: masks.slice(step) };
}
