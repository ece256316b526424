/** The phases of a search on the steps of one run: what is to happen at which. */
import type { Phase } from '../search/phases.js';
import {
  gathersFrom,
  phaseAt,
  placePhases,
  progressAt,
  selectsAt,
  type PlacedPhase,
} from '../search/placing.js';

export class Schedule {
  readonly totalSteps: number;
  readonly #placed: readonly PlacedPhase[];

  /** @throws RangeError when the phases do not fit into so many steps */
  constructor(phases: readonly Phase[], totalSteps: number) {
    this.totalSteps = totalSteps;
    this.#placed = placePhases(phases, totalSteps);
  }

  /** The phase of a step, counted from 0. */
  phaseOf(step: number): Phase {
    return phaseAt(this.#placed, step).phase;
  }

  /** Progress through that phase, 0 to 1. */
  progressAt(step: number): number {
    return progressAt(phaseAt(this.#placed, step), step);
  }

  /** Whether a phase begins with the step. */
  begins(step: number): boolean {
    return phaseAt(this.#placed, step).start === step;
  }

  /** The step before which the optimiser was last reset, at that step or an earlier one. */
  lastReset(step: number): number {
    let last = 0;
    for (const { phase, start } of this.#placed) {
      if (start > step) break;
      if (phase.resetsOptimizer !== false) last = start;
    }
    return last;
  }

  /** Whether blocks are chosen before the step; none are past the end. */
  choosesBefore(step: number): boolean {
    return step < this.totalSteps && selectsAt(phaseAt(this.#placed, step), step);
  }

  /** Whether the choice before a step takes the place of the optimiser's step before it, as in RigL. */
  leavesOutBefore(step: number): boolean {
    return this.choosesBefore(step) && this.phaseOf(step).inPlaceOfStep === true;
  }

  /** Whether what pruned blocks gather is to be forgotten before the step. */
  gathersFrom(step: number): boolean {
    return gathersFrom(phaseAt(this.#placed, step), step);
  }
}
