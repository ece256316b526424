/** What may be wrong with the training that a step of a run belongs to, in the words of an error; null where nothing is. */
import type { KernelState } from './kernel-state.js';
import type { OwnRates } from './own-rates.js';
import type { TrainingWatch } from './training-watch.js';

/** Of a step that a choice takes the place of, which the optimiser that the run knows was not called for. */
export const NOT_CALLED =
  'The choice of blocks to come goes by the gradients of this step, for which the optimizer was not called: train ' +
  'it as any other step (the optimizer leaves it out by itself), and pass sparsify() the optimizer that trains';

/** Of a step that a choice takes the place of, where the run knows no optimiser: its gradients alone were to be computed. */
export function leftOutFault(
  strategy: string,
  kernels: readonly KernelState[],
  watch: TrainingWatch,
): string | null {
  if (!kernels.some(({ recorded }) => recorded.isNew)) {
    return (
      'The choice of blocks to come goes by the gradients of this step, and none was computed: leave out the update ' +
      'where pruning.leavesOutStep, not the loss and its gradients'
    );
  }
  if (!watch.moved) return null;
  return (
    `${strategy} exchanges blocks in place of this step, and the model was trained in it: pass sparsify() the ` +
    'optimizer that trains, which leaves the step out by itself, or make no update where pruning.leavesOutStep'
  );
}

/** Where something else trained what has a learning rate of its own. */
export function ownRatesFault(strategy: string, ownRates: OwnRates, watch: TrainingWatch): string | null {
  if (ownRates.isEmpty || ownRates.hasCome || !watch.trained) return null;
  return (
    `${strategy} trains what it added at a learning rate of its own, and the model was trained by an optimizer ` +
    'that the run does not know: pass sparsify() the one that trains, as `optimizer`; without any, give the ' +
    'gradients to pruning.trainAdded() first, and train by those that it gives back'
  );
}

/** Of a run that ends without having been told of a step. */
export const UNTOLD =
  'The model was trained, and this pruning run was not told of a single step: give fit() ' +
  '`callbacks: pruning.callback()`, or call `await pruning.step()` after each optimiser step. To prune what is ' +
  'trained already, at once, abandon() this run and call sparsify() after training';
