/** Where a run stands beside its variables, as plain data: to be stored, and to go on from after an interruption. */
import { anObject, assertArgument, type BlockMask } from '@espalier/blocks';

import type { KernelState } from './kernel-state.js';

export interface PruningState {
  /** Steps done. */
  readonly step: number;
  /** Of each kernel, by name, the indices of the blocks that were chosen last. */
  readonly masks: Readonly<Record<string, readonly number[]>>;
  /**
   * Of each kernel, by name, the density that the scores of the latest choice gave it. Only where the allocation goes by
   * scores: else it follows from the target.
   */
  readonly densities?: Readonly<Record<string, number>>;
}

/** @param byScore whether the allocation goes by scores */
export function stateOf(step: number, kernels: readonly KernelState[], byScore: boolean): PruningState {
  const chosenBlocks = ({ chosen }: KernelState) => Array.from(chosen.keys()).filter((b) => chosen[b]);
  return {
    step,
    masks: Object.fromEntries(kernels.map((kernel) => [kernel.name, chosenBlocks(kernel)])),
    ...(byScore && { densities: Object.fromEntries(kernels.map(({ name, density }) => [name, density])) }),
  };
}

/**
 * The masks and densities of a state, in the order of the kernels.
 *
 * @param mayBeEmpty whether a kernel may have no chosen block: where the others stay active
 * @throws RangeError for a state of other kernels, or under an allocation of another kind
 */
export function standingOf(
  state: PruningState,
  kernels: readonly KernelState[],
  { byScore, mayBeEmpty }: { readonly byScore: boolean; readonly mayBeEmpty: boolean },
): { readonly masks: BlockMask[]; readonly densities: number[] | null } {
  const masks = masksOf(state, kernels);
  const empty = masks.findIndex((mask) => !mask.includes(1));
  if (!mayBeEmpty && empty >= 0) throw new RangeError(`The state keeps no block of ${kernels[empty]!.name}`);
  return { masks, densities: densitiesOf(state, kernels, byScore) };
}

/** @throws RangeError unless its step is one of a run of `totalSteps`, TypeError for what is no state */
export function assertState(state: PruningState, totalSteps: number): void {
  assertArgument(
    'restore()',
    'state',
    state,
    anObject('what state() gave', { step: 'number', masks: 'object' }),
  );
  const { step } = state;
  if (Number.isInteger(step) && step >= 0 && step <= totalSteps) return;
  throw new RangeError(`A state at step ${step} is not of a run of ${totalSteps} steps`);
}

/**
 * The masks of a state, in the order of the kernels. Where none of its names is known, they are those of a model that was
 * built by the same code in the same process, whose layers tfjs numbered on: then place tells, with the names' words.
 *
 * @throws RangeError for a state of other kernels
 */
function masksOf({ masks }: PruningState, kernels: readonly KernelState[]): BlockMask[] {
  const names = namesIn(masks, kernels);
  return kernels.map(({ name, grid }, i) => {
    const kept = masks[names[i]!];
    if (
      !Array.isArray(kept) ||
      kept.some((block) => !Number.isInteger(block) || block < 0 || block >= grid.blocks)
    ) {
      throw new RangeError(
        `The state has no mask for the ${grid.blocks} blocks of ${name}: it is of ${Object.keys(masks).join(', ')}. ` +
          'Build the model by the same code, with layers named alike',
      );
    }
    const mask = new Uint8Array(grid.blocks);
    for (const block of kept) mask[block] = 1;
    return mask;
  });
}

/** The names that a record of a state has for these kernels, in their order. */
function namesIn(
  record: Readonly<Record<string, unknown>>,
  kernels: readonly KernelState[],
): readonly string[] {
  const own = kernels.map(({ name }) => name);
  if (own.every((name) => Object.hasOwn(record, name))) return own;
  const given = Object.keys(record);
  const alike =
    given.length === own.length && given.every((name, i) => unnumbered(name) === unnumbered(own[i]!));
  return alike ? given : own;
}

/** tfjs numbers the layers of a process on: those of a model that is built anew have other numbers. */
export function unnumbered(name: string): string {
  return name.replace(/\d+/g, '#');
}

/**
 * The densities of the kernels; null where they follow from the target.
 *
 * @throws RangeError for a state under an allocation of another kind
 */
function densitiesOf(
  { densities }: PruningState,
  kernels: readonly KernelState[],
  byScore: boolean,
): number[] | null {
  if (!byScore) {
    if (densities === undefined) return null;
    throw new RangeError(
      'The state is of a run whose allocation goes by scores, as that of this one does not',
    );
  }
  const names = namesIn(densities ?? {}, kernels);
  return kernels.map(({ name }, i) => {
    const density = densities?.[names[i]!];
    if (density !== undefined && density > 0 && density <= 1) return density;
    throw new RangeError(
      `The state has ${density === undefined ? 'no density' : `the density ${density}`} for ${name}: ` +
        'under an allocation by scores it needs one above 0 and at most 1',
    );
  });
}
