/**
 * One step of an optimiser by an op of ours (`native/updates.cc`). Under a mask the kept blocks alone are gone through, side by
 * side; what momentum and decay do to the others is the same whenever it is done: it is put off until somebody reads them.
 */
import {
  maskedValuesOf,
  renewKept,
  type Handle,
  type TensorflowDeferredWork,
  type TensorflowRun,
} from '@espalier/blocks';

export type Rule = 'Sgd' | 'Momentum' | 'Adam';

/**
 * @param inputs the weight and what is remembered of it, of one shape
 * @param settings of the rule, in its op's order
 * @returns what takes their place
 */
export function updateBy(
  run: TensorflowRun,
  rule: Rule,
  inputs: readonly Handle[],
  gradient: Handle,
  settings: readonly number[],
): Handle[] {
  const step = (tensors: readonly Handle[], flow: Handle) =>
    run.ops(
      `Espalier${rule}Update`,
      [...tensors, flow, run.floats(settings, [settings.length])],
      [],
      tensors.length,
    );
  const isItself = inputs.some((input) => run.dataOf(input) === run.dataOf(gradient));
  const flow = isItself ? null : maskedValuesOf(run, gradient);
  const ofKept =
    flow &&
    renewKept(run, inputs, flow.pattern, {
      isOfKind: (work): work is StepsToCatchUp =>
        work instanceof StepsToCatchUp && work.rule === rule && !work.isFull,
      begin: () => new StepsToCatchUp(rule),
      renew: (values) => step(values, flow.values),
      putOff: (work) => work.add(settings),
    });
  return ofKept ?? step(inputs, gradient);
}

/** Steps of other settings each, as a schedule of rates makes them, that are put off at most: then they are taken. */
const MOST_RUNS = 2048;
/** The op is told how many are alike in single precision. */
const MOST_ALIKE = 2 ** 24;

/** Steps that the blocks outside of a pattern have not taken yet. */
class StepsToCatchUp implements TensorflowDeferredWork {
  /** Steps with the same settings: how many, and those. */
  readonly #runs: [steps: number, ...settings: number[]][] = [];

  constructor(readonly rule: Rule) {}

  get isFull(): boolean {
    return this.#runs.length === MOST_RUNS;
  }

  add(settings: readonly number[]): void {
    const last = this.#runs.at(-1);
    if (last && last[0] < MOST_ALIKE && settings.every((setting, i) => Object.is(setting, last[i + 1])))
      last[0]++;
    else this.#runs.push([1, ...settings]);
  }

  settle(run: TensorflowRun, wholes: readonly Handle[]): readonly Handle[] {
    const runs = run.floats(this.#runs.flat(), [this.#runs.length, this.#runs[0]!.length]);
    return run.ops(`Espalier${this.rule}CatchUp`, [...wholes, runs], [], wholes.length);
  }
}
