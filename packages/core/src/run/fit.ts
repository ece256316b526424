/** `model.fit` under pruning: which callbacks it is given, and whether the run is among them. */
import * as tf from '@tensorflow/tfjs';

/** What `fit` tells of, of a run. */
export interface Stepped {
  step(): Promise<void>;
  /** Whether the model was trained since the last step that the run was told of. */
  readonly isBehind: boolean;
}

/** Steps a run after every batch. Its method is bound, as tfjs takes it off an object beside plain ones. */
class StepCallback extends tf.Callback {
  constructor(private readonly run: Stepped) {
    super();
  }
  override onBatchEnd = async (): Promise<void> => {
    await this.run.step();
  };
}

/** The last callback of all: finds out that no other has stepped the run, and warns, once. `finalize` refuses. */
class ForgottenStep extends tf.Callback {
  #warned = false;
  constructor(private readonly run: Stepped) {
    super();
  }
  override async onBatchEnd(): Promise<void> {
    if (this.#warned || !this.run.isBehind) return;
    this.#warned = true;
    tf.backend_util.warn(
      'fit() trains a model under pruning, and the run is not told of the steps, so that nothing is pruned: give it ' +
        '`callbacks: pruning.callback()`, beside others as `[pruning.callback(), …]`; to train without pruning, ' +
        'finalize() or abandon() the run first',
    );
  }
}

export function stepCallback(run: Stepped): tf.Callback {
  return new StepCallback(run);
}

interface FitArguments {
  readonly callbacks?: unknown;
  readonly yieldEvery?: ConstructorParameters<typeof tf.CustomCallback>[1];
}

type Fit = (...args: unknown[]) => Promise<unknown>;

/**
 * Makes the model's `fit` and `fitDataset` take the run itself for its callback, and callbacks beside plain objects, in
 * any order (tfjs takes a list for one or the other by its first element); and warn at the first batch where the run is
 * not told of it.
 *
 * @returns a function that undoes it
 */
export function hookFit(model: tf.LayersModel, run: Stepped): () => void {
  const open = model as unknown as Record<'fit' | 'fitDataset', Fit>;
  const wrap = (name: 'fit' | 'fitDataset', place: number) => {
    const original = open[name];
    const own = Object.hasOwn(open, name);
    open[name] = function (...args) {
      const given = (args[place] ?? {}) as FitArguments;
      args[place] = { ...given, callbacks: [...callbacksOf(given, run), new ForgottenStep(run)] };
      return original.apply(model, args);
    };
    const hooked = open[name];
    return () => {
      if (open[name] !== hooked) return;
      if (own) open[name] = original;
      else delete (open as Partial<typeof open>)[name];
    };
  };
  const undo = [wrap('fit', 2), wrap('fitDataset', 1)];
  return () => undo.forEach((undoOne) => undoOne());
}

/** Each as tfjs' own would have been made of it, had it stood alone; one for none, which yields to the page. */
function callbacksOf({ callbacks, yieldEvery }: FitArguments, run: Stepped): tf.CustomCallback[] {
  const list = callbacks === undefined || callbacks === null ? [{}] : [callbacks].flat();
  return list.map((callback) => {
    if (callback === run) return stepCallback(run) as unknown as tf.CustomCallback;
    if (isCallback(callback)) return callback;
    return new tf.CustomCallback(callback as object, yieldEvery);
  });
}

/** One of tfjs' classes; of which copy of it does not matter. */
function isCallback(value: unknown): value is tf.CustomCallback {
  return typeof (value as Partial<tf.Callback> | null)?.setParams === 'function';
}
