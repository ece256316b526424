/** Phases laid on the steps of a run: which one a step belongs to, how far through it, and where masks are chosen. */
import {
  anObject,
  assertArgument,
  describeValue,
  listOf,
  oneOf,
  wholeNumber,
  type Expected,
} from '@espalier/blocks';

import { aCurve } from './curves.js';
import type { Phase } from './phases.js';

/** A phase laid on the steps of a run: from step `start` up to, not including, step `end`. */
export interface PlacedPhase {
  readonly phase: Phase;
  readonly start: number;
  readonly end: number;
}

const phaseList = listOf(
  anObject('a phase: { name, length, curve, candidates, selection }', { name: 'string' }),
  'a list of phases, as a search has in its field phases',
);

const CANDIDATES = oneOf('all', 'kept');
const SELECTION: Expected = {
  type: 'string',
  holds: (value) => value === 'at start' || value === 'gradually' || anObject('a selection').holds(value),
  words: "'at start', 'gradually' or { everySteps }",
};

/**
 * Lays the phases on `totalSteps` steps, each boundary at the nearest whole step.
 *
 * @throws RangeError when a phase has no length or no interval, the lengths do not sum to 1, or a phase gets no
 *   step of its own.
 */
export function placePhases(phases: readonly Phase[], totalSteps: number): PlacedPhase[] {
  assertArgument('placePhases()', 'phases', phases, phaseList);
  assertArgument('placePhases()', 'totalSteps', totalSteps, wholeNumber());
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

function assertPhase({ name, length, curve, candidates, selection }: Phase, index: number): void {
  const phase = `Phase ${index + 1} (${name})`;
  if (!(typeof length === 'number' && length > 0)) {
    throw new RangeError(`${phase} takes ${describeValue(length)} of training, which is not a share above 0`);
  }
  assertArgument(phase, 'curve', curve, aCurve);
  assertArgument(phase, 'candidates', candidates, CANDIDATES);
  assertArgument(phase, 'selection', selection, SELECTION);
  if (typeof selection === 'string') return;
  const { everySteps, gather = 1 } = selection;
  if (!Number.isInteger(everySteps) || everySteps < 1) {
    throw new RangeError(
      `${phase} selects every ${describeValue(everySteps)} steps, which is not a whole number of at least 1`,
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
  if (!Array.isArray(placed)) refusePlaced('phaseAt()', placed, 'phases');
  if (!isStep(step)) assertArgument('phaseAt()', 'step', step, wholeNumber(0));
  const found = placed.find(({ end }) => step < end) ?? placed.at(-1);
  if (!found) throw new RangeError('A search without phases has no phase');
  return found;
}

/** Progress through the phase at a step, 0 to 1. */
export function progressAt(placed: PlacedPhase, step: number): number {
  const { start, end } = placed?.phase ? placed : refusePlaced('progressAt()', placed, 'a phase');
  if (!isStep(step)) assertArgument('progressAt()', 'step', step, wholeNumber(0));
  return Math.min(1, (step - start) / (end - start));
}

/** Whether the mask is chosen before step `step` of this phase. */
export function selectsAt(placed: PlacedPhase, step: number): boolean {
  const { phase, start, end } = placed?.phase ? placed : refusePlaced('selectsAt()', placed, 'a phase');
  if (!isStep(step)) assertArgument('selectsAt()', 'step', step, wholeNumber(0));
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

/** What follows is asked at every step of training, which waits for no words. */
function isStep(step: unknown): boolean {
  return typeof step === 'number' && step >= 0;
}

function refusePlaced(of: string, seen: unknown, what: string): never {
  throw new TypeError(`${of} is given ${describeValue(seen)}, and takes ${what} that placePhases() made`);
}
