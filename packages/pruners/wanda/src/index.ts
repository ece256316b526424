/**
 * Wanda: after training, keep the blocks whose weights, each times the norm of what it is multiplied by, are largest, over a
 * few hundred inputs. Sun, Liu, Bair & Kolter 2023, arXiv 2306.11695 §3.
 */
import {
  assertOptions,
  between,
  blockRootMeanSquares,
  densePhase,
  identity,
  numberIn,
  sparsePhase,
  tunable,
  type Importance,
  type Pruner,
  type Search,
} from '@espalier/core';

export interface WandaSettings {
  /** Share of training that is left after the pruning, from 0 and under 1; with 0 nothing is trained after. */
  fineTuning?: number;
}

/** `√(Σ_{(i, j) ∈ b} (|W_ij| · ‖X_i‖₂)² / n_b)`: of single weights `|W_ij| · ‖X_i‖₂`, the paper's. */
export const weightByInput: Importance = {
  name: 'weight times input norm',
  usesInputs: true,
  score: (kernel) => blockRootMeanSquares(kernel.effective().mul(kernel.inputNorms()), kernel.grid),
};

/** One choice, when training is over but for the fine-tuning; without any, it is the cut that ends a run. */
function afterTraining(fineTuning: number): Search {
  const phases = [densePhase(1 - fineTuning), ...(fineTuning > 0 ? [sparsePhase(fineTuning)] : [])];
  return { name: 'after training', phases, prunedWeights: 'masked' };
}

/** @throws RangeError or TypeError for a setting that is not what it is to be */
export function wanda(settings: WandaSettings = {}): Pruner {
  assertOptions('wanda()', settings, { fineTuning: numberIn('[0, 1)', 'a share of training') });
  const { fineTuning = 0.1 } = settings;
  return {
    name: 'wanda',
    description: 'After training, keep the blocks of largest weights times norms of their inputs',
    source: 'Sun, Liu, Bair & Kolter 2023, arXiv 2306.11695',
    settings: { fineTuning },
    parameterisation: identity,
    importance: weightByInput,
    search: afterTraining(fineTuning),
  };
}

export default tunable(wanda, { fineTuning: between(0.05, 0.5) });
