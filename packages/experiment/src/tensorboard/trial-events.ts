/** What TensorBoard is shown of a trial. */
import { isQuality } from '../measure.js';
import { measuresOf } from '../measures-of.js';
import type { StepMetrics } from '../store/store.js';
import type { TrialOutcome } from '../trial/trial.js';
import type { Wanted } from './event-file.js';

/** Phases are counted from 0: their names are a strategy's own, and they may alternate. */
export function stepEvents(steps: readonly StepMetrics[]): Wanted[] {
  let phase = 0;
  return steps.map(({ step, loss, learningRate, sparsity, phase: name }, i) => {
    const before = steps[i - 1];
    if (before && before.phase !== name) phase += 1;
    return {
      step,
      scalars: {
        ...{ 'train/loss': loss, 'train/learning_rate': learningRate },
        ...{ 'train/sparsity': sparsity, 'train/phase': phase },
      },
    };
  });
}

/** What was measured at the end: on the test examples, and beside them. */
export function endEvents(
  outcome: TrialOutcome,
  task: Parameters<typeof measuresOf>[0],
  steps: number,
): Wanted[] {
  if (outcome.status === 'failed') return [];
  const scalars = measuresOf(task).flatMap((measure) => {
    const value = outcome.measures[measure.key] ?? null;
    const under = isQuality(measure) ? 'test' : 'measured';
    return value === null ? [] : [[`${under}/${measure.key}`, value] as const];
  });
  return scalars.length > 0 ? [{ step: steps, scalars: Object.fromEntries(scalars) }] : [];
}
