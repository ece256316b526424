/** Phases laid on the steps of a run: which one a step belongs to, how far through it, and where masks are chosen. */
import type { Phase } from './phases.js';

/** A phase laid on the steps of a run: from step `start` up to, not including, step `end`. */
export interface PlacedPhase {
  readonly phase: Phase;
  readonly start: number;
  readonly end: number;
}

/**
 * Lays the phases on `totalSteps` steps, each boundary at the nearest whole step.
 *
 * @throws RangeError when a phase has no length or no interval, the lengths do not sum to 1, or a phase gets no
 *   step of its own.
 */
export function placePhases(phases: readonly Phase[], totalSteps: number): PlacedPhase[] {
  if (!Number.isInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`totalSteps = ${totalSteps} is not a whole number of at least 1`);
  }
  phases.forEach(assertPhase);
  const sum = phases.reduce((total, { length }) => total + length, 0);
  if (!(Math.abs(sum - 1) < 1e-6)) throw new RangeError(`The phases' lengths sum to ${sum}, not to 1`);
  let elapsed = 0;
  return phases.map((phase, index) => {
    const start = Math.round(elapsed * totalSteps);
    elapsed += phase.length;
    const end = index === phases.length - 1 ? totalSteps : Math.round(elapsed * totalSteps);
    if (end <= start) {
      const shortest = Math.min(...phases.map(({ length }) => length));
      throw new RangeError(
        `${phases.length} phases do not fit into ${totalSteps} steps: phase ${index + 1} (${phase.name}, ` +
          `${(100 * phase.length).toFixed(1)}% of training) would have none. Train ${Math.floor(1 / shortest) + 1} ` +
          'steps or more, or use fewer cycles',
      );
    }
    assertSelectsWithin(phase, end - start, index);
    return { phase, start, end };
  });
}

function assertPhase({ name, length, selection }: Phase, index: number): void {
  const phase = `Phase ${index + 1} (${name})`;
  if (!(length > 0))
    throw new RangeError(`${phase} takes ${length} of training, which is not a share above 0`);
  if (typeof selection === 'string') return;
  const { everySteps, gather = 1 } = selection;
  if (!Number.isInteger(everySteps) || everySteps < 1) {
    throw new RangeError(
      `${phase} selects every ${everySteps} steps, which is not a whole number of at least 1`,
    );
  }
  if (!Number.isInteger(gather) || gather < 1) {
    throw new RangeError(`${phase} gathers ${gather} steps, which is not a whole number of at least 1`);
  }
}

/** A phase that is to choose again and again has to be long enough to do so once. */
function assertSelectsWithin({ name, selection }: Phase, steps: number, index: number): void {
  if (typeof selection === 'string' || selection.everySteps === 1 || selection.everySteps < steps) return;
  throw new RangeError(
    `Phase ${index + 1} (${name}) selects every ${selection.everySteps} steps, and has ${steps}: ` +
      'select more often, or train longer',
  );
}

/** The phase that step `step` (from 0) belongs to. After the last step, the last phase. */
export function phaseAt(placed: readonly PlacedPhase[], step: number): PlacedPhase {
  const found = placed.find(({ end }) => step < end) ?? placed.at(-1);
  if (!found) throw new RangeError('A search without phases has no phase');
  return found;
}

/** Progress through the phase at a step, 0 to 1. */
export function progressAt({ start, end }: PlacedPhase, step: number): number {
  return Math.min(1, (step - start) / (end - start));
}

/** Whether the mask is chosen before step `step` of this phase. */
export function selectsAt({ phase, start, end }: PlacedPhase, step: number): boolean {
  if (step === start) return true;
  if (phase.selection === 'at start') return false;
  const interval =
    phase.selection === 'gradually'
      ? Math.max(1, Math.round((end - start) / 100))
      : phase.selection.everySteps;
  return (step - start) % interval === 0;
}

/**
 * Whether what the blocks that are pruned have gathered is to be forgotten before step `step`, so that they gather the
 * steps from there to the next choice.
 */
export function gathersFrom({ phase, start, end }: PlacedPhase, step: number): boolean {
  if (typeof phase.selection === 'string' || phase.selection.gather === undefined) return false;
  const { everySteps, gather } = phase.selection;
  const next = Math.min(end, step + everySteps - ((step - start) % everySteps));
  return next - step === gather;
}
