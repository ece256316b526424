/** Whether the variables of a run train, from what can be seen of them without reading a number. */
import type * as tf from '@tensorflow/tfjs';

/** What is watched of a kernel. */
export interface Watched {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly trainables: Readonly<Record<string, tf.Variable>>;
}

/** A tfjs variable holds other data, under another id, after every assignment: so an optimiser's step shows. */
export class TrainingWatch {
  readonly #dataIds = new Map<tf.Variable, object>();
  readonly #trained = new Set<tf.Variable>();
  #idleSteps = 0;

  constructor(private readonly kernels: readonly Watched[]) {
    this.look();
  }

  /** Steps of the run before which no kernel had been trained. */
  get idleSteps(): number {
    return this.#idleSteps;
  }

  /** The kernels that were never trained. */
  get untrained(): string[] {
    return this.kernels.filter(({ variable }) => !this.#trained.has(variable)).map(({ name }) => name);
  }

  /** Takes what the variables hold now for known: what the run itself assigned is no training. */
  look(): void {
    for (const variable of this.#variables()) this.#dataIds.set(variable, variable.dataId);
  }

  /** Whether a kernel was assigned to since the last look. */
  get moved(): boolean {
    return this.kernels.some(({ variable }) => this.#moved(variable));
  }

  /**
   * Notes what was trained since the last look.
   *
   * @throws Error where a kernel was, and what its parameterisation added never: no optimiser holds it, and blocks would
   *   be chosen by what it started from
   */
  step(): void {
    if (!this.moved) this.#idleSteps += 1;
    for (const variable of this.#variables()) if (this.#moved(variable)) this.#trained.add(variable);
    for (const { name, variable, trainables } of this.kernels) {
      if (!this.#trained.has(variable)) continue;
      const [forgotten] = Object.entries(trainables).find(([, added]) => !this.#trained.has(added)) ?? [];
      if (forgotten === undefined) continue;
      throw new Error(
        `${name} was trained, and the ${forgotten} that its strategy added to it were not: the optimiser does not hold ` +
          'them. A model inside another trains with the outer one: give sparsify() that, with `kernels` to choose. ' +
          'In a loop of your own, let the optimiser train pruning.addedVariables too, asked for after sparsify()',
      );
    }
  }

  #moved(variable: tf.Variable): boolean {
    return variable.dataId !== this.#dataIds.get(variable);
  }

  *#variables(): Generator<tf.Variable> {
    for (const { variable, trainables } of this.kernels) {
      yield variable;
      yield* Object.values(trainables);
    }
  }
}
