/** A choice of blocks for every kernel of a run, by what a phase asks for. */
import { type BlockMask, DivergedError, keepAll, keptBlocks, topK } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { Importance, Pruner } from '../pruner.js';
import type { Choice, Phase } from '../search/phases.js';
import type { Budget } from './budget.js';
import type { KernelState } from './kernel-state.js';

/** The norms of the kernels' inputs, in their order, which who asks disposes. */
type InputNorms = () => tf.Tensor2D[];

const noInputs: InputNorms = () => [];

/** A choice of blocks for every kernel, not yet taken. */
export interface Selection {
  /** How many blocks the target allows each. */
  readonly keep: readonly number[];
  readonly chosen: readonly BlockMask[];
  /** The density that the scores give each at the full target; null where they do not tell it. */
  readonly densities: readonly number[] | null;
}

/** @throws DivergedError when a score is needed and not finite */
export async function selectBlocks(
  kernels: readonly KernelState[],
  budget: Budget,
  pruner: Pruner,
  phase: Pick<Phase, 'curve' | 'candidates' | 'choose'>,
  progress: number,
  inputNorms: InputNorms = noInputs,
): Promise<Selection> {
  const share = phase.curve(progress);
  const byScore = budget.byScore && share > 0;
  const candidates = candidatesOf(kernels, budget, phase, share);
  const keepWithout = byScore ? null : budget.counts(share);
  // Read back from the device only where the choice depends on them.
  const readsScores =
    phase.choose !== undefined ||
    !keepWithout?.every((k, i) => k >= kernels[i]!.grid.blocks || k >= keptBlocks(candidates[i]!));
  const scores = readsScores ? await scoresOf(kernels, pruner.importance, inputNorms) : zeros(kernels);
  const scored = { scores, candidates };
  const keep = keepWithout ?? budget.counts(share, scored);
  const growthScores =
    pruner.growth && phase.choose ? await scoresOf(kernels, pruner.growth, inputNorms) : zeros(kernels);

  const best = (choice: Choice) => topK(choice.scores, choice.keep, choice.candidates);
  const chosen = kernels.map(({ seed, grid, chosen }, i) =>
    (phase.choose ?? best)({
      seed,
      grid,
      scores: scores[i]!,
      growthScores: growthScores[i]!,
      // Copies: what a strategy writes into is compared with what was in force.
      chosen: chosen.slice(),
      candidates: candidates[i]!.slice(),
      keep: keep[i]!,
      progress,
    }),
  );
  const tellsDensities = budget.byScore && readsScores;
  return {
    keep,
    chosen,
    densities: tellsDensities ? budget.densities(scored, share === 1 ? keep : undefined) : null,
  };
}

/** The blocks of each kernel that the phase allows. */
function candidatesOf(
  kernels: readonly KernelState[],
  budget: Budget,
  phase: Pick<Phase, 'candidates'>,
  share: number,
): BlockMask[] {
  if (phase.candidates === 'all') return kernels.map(({ grid }) => keepAll(grid.blocks));
  if (kernels.every(({ chosen, mask }) => chosen === mask)) return kernels.map(({ chosen }) => chosen);
  // Forward selection that ends early has chosen too few: what is active fills up. An allocation by scores tells of all
  // kernels together how many are missing, not of one.
  const kept = kernels.map(({ chosen }) => keptBlocks(chosen));
  const keep = budget.counts(share);
  const missing = keep.map((k, i) => k - kept[i]!);
  const inAll = missing.reduce((sum, own) => sum + own, 0);
  return kernels.map(({ chosen, mask }, i) => ((budget.byScore ? inAll : missing[i]!) > 0 ? mask : chosen));
}

async function scoresOf(
  kernels: readonly KernelState[],
  importance: Importance,
  inputNorms: InputNorms,
): Promise<Float32Array[]> {
  const norms = importance.usesInputs ? inputNorms() : [];
  try {
    for (const [i, own] of norms.entries()) await assertFiniteNorms(kernels[i]!, own);
    return await Promise.all(kernels.map((kernel, i) => kernel.scores(importance, norms[i])));
  } finally {
    tf.dispose(norms);
  }
}

async function assertFiniteNorms({ name }: KernelState, norms: tf.Tensor2D): Promise<void> {
  if ((await norms.data()).every(Number.isFinite)) return;
  throw new DivergedError(
    `What of calibration comes to ${name} has no finite norm: it, or a weight that it goes through, is NaN or too large`,
  );
}

function zeros(kernels: readonly KernelState[]): Float32Array[] {
  return kernels.map(({ grid }) => new Float32Array(grid.blocks));
}
