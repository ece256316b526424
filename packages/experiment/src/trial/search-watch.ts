/**
 * What a search did: which blocks came and went at each of its choices, what choosing took, and how far attention set
 * blocks apart. A mechanism that is idle is seen here, whatever the loss.
 */
import { keptBlocks, type KernelState } from '@espalier/core';

import { kernelViews } from './kernel-views.js';
import { packMask, withChoice, type ChosenMasks } from './masks.js';

/**
 * A choice that pruned, over all kernels. After a dense phase, gradual pruning that begins anew is passed over until it is as
 * far as it was before. What was chosen trains from step `step` on.
 */
export interface ChoiceRecord {
  /** From 0. */
  readonly step: number;
  /** Blocks that it left. */
  readonly kept: number;
  /** Blocks of it that the one before had not; none of the first. */
  readonly entered: number;
  /** Blocks of the one before that it has not; of all blocks, at the first. */
  readonly left: number;
}

/** Plain data, which a checkpoint keeps. */
export interface SearchState {
  readonly choices: readonly ChoiceRecord[];
  /** Wall time of the steps' ends at which blocks were chosen, in milliseconds. */
  readonly choosingMs: number;
  /** The masks of the choices, as far as there is room for them. */
  readonly masks: readonly ChosenMasks[];
  /** Of each kernel, the blocks of the latest of them; null before there was one. */
  readonly support: readonly (readonly number[])[] | null;
  /** Whether every block has been kept since, and no choice has been as far again. */
  readonly reopened: boolean;
}

/** What attention multiplied the kept blocks by, at the end. */
export interface AttentionSpread {
  readonly lowest: number;
  readonly highest: number;
  /** Standard deviation over the kept blocks of all kernels. */
  readonly deviation: number;
}

export class SearchWatch {
  readonly #kernels: readonly KernelState[];
  #choices: ChoiceRecord[] = [];
  #masks: readonly ChosenMasks[] = [];
  #choosingMs = 0;
  #support: readonly Uint8Array[];
  #reopened = false;
  /** The masks that were seen last: another object is another choice. */
  #seen: readonly Uint8Array[] = [];

  /** @param kernels in which the first choice, of before the first step, is made */
  constructor(kernels: readonly KernelState[]) {
    this.#kernels = kernels;
    this.#support = kernels.map(({ grid }) => new Uint8Array(grid.blocks).fill(1));
    this.look(0, 0);
  }

  /**
   * To be called after each step.
   *
   * @param step that is to come
   * @param ms what ending the step before took
   */
  look(step: number, ms: number): void {
    const masks = this.#kernels.map(({ chosen }) => chosen);
    if (masks.every((mask, i) => mask === this.#seen[i])) return;
    this.#seen = masks;
    this.#choosingMs += ms;
    const kept = masks.reduce((sum, mask) => sum + keptBlocks(mask), 0);
    const before = this.#support.reduce((sum, mask) => sum + keptBlocks(mask), 0);
    const keepsAll = masks.every((mask) => !mask.includes(0));
    this.#reopened = keepsAll || (this.#reopened && kept > before);
    if (this.#reopened) return;
    const record = { step, kept, entered: 0, left: 0 };
    masks.forEach((mask, i) => {
      const support = this.#support[i] as Uint8Array;
      for (let block = 0; block < mask.length; block++) {
        const [now, then] = [mask[block] as number, support[block] as number];
        record.entered += now & ~then;
        record.left += then & ~now;
      }
    });
    const blocks = masks.reduce((sum, mask) => sum + mask.length, 0);
    const latest = { choice: this.#choices.length, step, kept: masks.map(packMask) };
    this.#masks = withChoice(this.#masks, latest, blocks);
    this.#choices.push(record);
    this.#support = masks.map((mask) => mask.slice());
  }

  state(): SearchState {
    const hasPruned = this.#choices.length > 0;
    return {
      choices: [...this.#choices],
      choosingMs: this.#choosingMs,
      masks: this.#masks,
      support: hasPruned ? this.#support.map((mask) => indicesOf(mask)) : null,
      reopened: this.#reopened,
    };
  }

  /** Goes on from where a checkpoint has it; the masks are there again already. */
  restore({ choices, choosingMs, masks, support, reopened }: SearchState): void {
    this.#choices = [...choices];
    this.#masks = masks;
    this.#choosingMs = choosingMs;
    this.#reopened = reopened;
    this.#support = this.#kernels.map(({ grid }, i) => {
      const mask = new Uint8Array(grid.blocks).fill(support ? 0 : 1);
      for (const block of support?.[i] ?? []) mask[block] = 1;
      return mask;
    });
    this.#seen = this.#kernels.map(({ chosen }) => chosen);
  }
}

/** Null where no kernel is under attention. */
export async function attentionSpread(kernels: readonly KernelState[]): Promise<AttentionSpread | null> {
  const factors: number[] = [];
  for (const { mask, factors: values } of await kernelViews(kernels)) {
    if (!values) continue;
    mask.forEach((bit, block) => {
      if (bit) factors.push(values[block] as number);
    });
  }
  if (factors.length === 0) return null;
  const mean = factors.reduce((sum, factor) => sum + factor, 0) / factors.length;
  const variance = factors.reduce((sum, factor) => sum + (factor - mean) ** 2, 0) / factors.length;
  const [lowest, highest] = factors.reduce(
    ([low, high], factor) => [Math.min(low, factor), Math.max(high, factor)],
    [Infinity, -Infinity],
  );
  return { lowest, highest, deviation: Math.sqrt(variance) };
}

function indicesOf(mask: Uint8Array): number[] {
  return [...mask.keys()].filter((block) => mask[block]);
}
