/** Checks: a run depends on its settings alone, and a strategy is a value without a state of its own. */
import type { Pruner } from '@espalier/core';

import { ensure, type Check } from './conformance.js';
import {
  difference,
  finishRecord,
  masksOf,
  onBackend,
  recordRun,
  startRun,
  stepsFor,
  trainStep,
} from './workbench.js';

/** Two runs of the same settings choose the same blocks at every step and end with the same bits. */
export const checkDeterminism: Check = onBackend(async (makePruner, options) => {
  const totalSteps = stepsFor(makePruner(), options);
  const one = await recordRun(await startRun(makePruner(), { totalSteps }));
  const other = await recordRun(await startRun(makePruner(), { totalSteps }));
  const differs = difference(one, other);
  ensure(
    differs === null,
    `Two runs of the same settings differ: ${differs}. Draw chance from the seed of the kernel or of the choice, ` +
      'and keep no state outside of trainables and buffers',
  );
});

/** Runs of one strategy value, side by side or one after the other, do not disturb each other or the value. */
export const checkIndependence: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const before = outline(pruner);
  const totalSteps = stepsFor(pruner, options);
  const alone = await recordRun(await startRun(makePruner(), { totalSteps }));

  const run = await startRun(pruner, { totalSteps });
  const beside = await startRun(pruner, { totalSteps, seed: 2, target: { sparsity: 0.5 } });
  const masks = [masksOf(run.pruning)];
  for (let step = 0; step < totalSteps; step++) {
    await trainStep(beside, step);
    await trainStep(run, step);
    masks.push(masksOf(run.pruning));
  }
  const differs = difference(alone, await finishRecord(run, masks));
  ensure(
    differs === null,
    `A run is not the same beside another of the same strategy value as alone: ${differs}. The strategy keeps hidden ` +
      'state: what it remembers belongs into trainables and buffers',
  );
  await beside.pruning.finalize();
  ensure(
    outline(pruner) === before,
    'A run has changed the strategy value that it was given: a Pruner is immutable, all state lives in the run',
  );
});

/** A strategy value as text; functions are given by their number, as they have no other content. */
function outline(pruner: Pruner): string {
  const functions = new Map<unknown, number>();
  return JSON.stringify(pruner, (_, value: unknown) => {
    if (typeof value !== 'function') return value;
    if (!functions.has(value)) functions.set(value, functions.size);
    return `function ${functions.get(value)}`;
  });
}
