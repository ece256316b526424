/** Taking a run down, and going on from what was taken down. */
import * as tf from '@tensorflow/tfjs';

import { packed, refuse, unpacked, type Groups, type Stored } from './checkpoint-bytes.js';
import type { KernelState } from './kernel-state.js';
import { assertOptimizerState, optimizerState, restoreOptimizerState, stored } from './optimizer-snapshot.js';
import { unnumbered, type PruningState } from './state.js';
import type { Seen } from './training-watch.js';

/** A variable, and what it is called in messages. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** What a checkpoint is taken of, or given to. */
export interface CheckpointedRun {
  /** Plain data: a checkpoint goes on in a run of which all of it is the same. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly kernels: readonly KernelState[];
  readonly variables: readonly NamedVariable[];
  /** Those that the optimiser trains, in its order; null where that is not known. */
  readonly trained: readonly tf.Variable[] | null;
  readonly optimizer: tf.Optimizer | null;
}

/** What a run goes on from, beside its variables and its optimiser. */
export interface Restored {
  readonly state: PruningState;
  readonly seen: Seen;
  /** The recorded gradient of each kernel, in their order; null where none was. */
  readonly gradients: readonly (tf.Tensor2D | null)[];
}

export async function packCheckpoint(
  run: CheckpointedRun,
  state: PruningState,
  seen: Seen,
): Promise<Uint8Array> {
  const snapshot = run.optimizer && (await optimizerState(run.optimizer));
  const groups: Groups<Stored> = {
    masks: Object.entries(state.masks).map(([name, kept]) => {
      return { name, shape: [kept.length], dtype: 'int32', values: Int32Array.from(kept) };
    }),
    gradients: await Promise.all(
      run.kernels.flatMap(({ recorded: { gradient } }, i) => (gradient ? [stored(String(i), gradient)] : [])),
    ),
    variables: await Promise.all(
      run.variables.map(async ({ name, variable }) => ({
        ...(await stored(name, variable)),
        id: variable.name,
      })),
    ),
    slots: snapshot?.slots ?? [],
  };
  return packed({
    ...groups,
    identity: run.identity,
    step: state.step,
    densities: state.densities ?? null,
    seen,
    optimizer: snapshot && { kind: snapshot.kind, numbers: snapshot.numbers },
  });
}

/**
 * Gives the run's variables and its optimiser what the checkpoint holds.
 *
 * @param assertState refuses a state that is not one of the run's
 * @throws RangeError when it is damaged, or of another run; nothing was changed then
 */
export async function restoreCheckpoint(
  bytes: Uint8Array,
  run: CheckpointedRun,
  assertState: (state: PruningState) => void,
): Promise<Restored> {
  const content = unpacked(bytes);
  assertIdentity(run.identity, content.identity);
  const variables = matched(run.variables, content.variables);
  const gradients = run.kernels.map(
    (_, i) => content.gradients.find(({ name }) => name === String(i)) ?? null,
  );
  run.kernels.forEach(({ name, grid }, i) => {
    const { shape = grid.matrixShape, dtype = 'float32' } = gradients[i] ?? {};
    if (shape.join() === grid.matrixShape.join() && dtype === 'float32') return;
    refuse(`has a gradient of ${name} of the shape [${shape.join('×')}]`);
  });
  const state: PruningState = {
    step: content.step,
    masks: Object.fromEntries(content.masks.map(({ name, values }) => [name, Array.from(values)])),
    ...(content.densities && { densities: content.densities }),
  };
  assertState(state);
  if (content.seen.trained.length !== run.kernels.length) refuse('is of another number of kernels');

  const { optimizer, trained } = run;
  const kind = optimizer?.getClassName() ?? 'none';
  const given = content.optimizer?.kind ?? 'none';
  if (given !== kind) refuse(`was taken under the optimiser ${given}, this run has ${kind}`);
  if (optimizer) {
    const numbers = content.optimizer!.numbers;
    const ids = new Map(variables.map(({ stored: { id = '' }, variable }) => [id, variable.name]));
    const found = { kind, numbers, slots: content.slots };
    try {
      assertOptimizerState(optimizer, found, trained);
      await restoreOptimizerState(optimizer, found, (name) => ids.get(name) ?? name);
    } catch (error) {
      refuse(`cannot be gone on from: it ${(error as Error).message}`);
    }
  }
  tf.tidy(() => {
    for (const { variable, stored: of } of variables) {
      variable.assign(tf.tensor(of.values, variable.shape, of.dtype));
    }
  });
  return {
    state,
    seen: content.seen,
    gradients: gradients.map((of) => of && tf.tensor2d(of.values, [...of.shape] as [number, number])),
  };
}

function assertIdentity(own: CheckpointedRun['identity'], given: CheckpointedRun['identity']): void {
  for (const [part, value] of Object.entries(own)) {
    const [now, then] = [JSON.stringify(value), JSON.stringify(given[part])];
    if (now !== then) refuse(`is of a run with ${part} ${shortened(then)}, this one has ${shortened(now)}`);
  }
}

function shortened(json: string | undefined): string {
  return json === undefined || json.length <= 120 ? String(json) : `${json.slice(0, 120)}…`;
}

/**
 * What is stored of each variable: by its name where all are known; else in their order, as of a model that was built by
 * the same code in the same process, whose layers tfjs numbers on.
 */
function matched(
  variables: readonly NamedVariable[],
  given: readonly Stored[],
): { variable: tf.Variable; stored: Stored }[] {
  if (given.length !== variables.length) {
    refuse(`holds ${given.length} variables, this run has ${variables.length}`);
  }
  const byName = new Map(given.map((of) => [of.name, of]));
  const known = byName.size === given.length && variables.every(({ name }) => byName.has(name));
  return variables.map(({ name, variable }, i) => {
    const of = known ? byName.get(name)! : given[i]!;
    const same = unnumbered(of.name) === unnumbered(name) && of.dtype === variable.dtype;
    if (!same || of.shape.join() !== variable.shape.join()) {
      refuse(
        `has ${of.name} [${of.shape.join('×')}] where this run has ${name} [${variable.shape.join('×')}]: ` +
          'build the model by the same code',
      );
    }
    return { variable, stored: of };
  });
}
