/** Whether the variables of a run train, from what can be seen of them without reading a number. */
import * as tf from '@tensorflow/tfjs';

/** What is watched of a kernel. */
export interface Watched {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly trainables: Readonly<Record<string, tf.Variable>>;
}

/** What a watch has seen, as plain data. */
export interface Seen {
  readonly idleSteps: number;
  /** Which kernels were trained, 1 for each that was. */
  readonly trained: readonly number[];
}

/**
 * A tfjs variable holds other data, under another id, after every assignment, and an optimiser counts its steps. Where the
 * optimiser that the run knows was ever seen to count, an assignment without a count is not its: a user's, of clipped or
 * averaged weights.
 */
export class TrainingWatch {
  readonly #dataIds = new Map<tf.Variable, object>();
  readonly #assigned = new Set<tf.Variable>();
  #iterations: number | null = null;
  #counts = false;
  #idleSteps = 0;
  #warned = false;

  constructor(
    private readonly kernels: readonly Watched[],
    private readonly optimizer: () => tf.Optimizer | null | undefined,
  ) {
    this.look();
  }

  /** Steps of the run before which no kernel had been trained. */
  get idleSteps(): number {
    return this.#idleSteps;
  }

  /** The kernels that were never trained. */
  get untrained(): string[] {
    return this.kernels.filter(({ variable }) => !this.#assigned.has(variable)).map(({ name }) => name);
  }

  /** Takes what the variables hold now for known: what the run itself assigned is no training. */
  look(): void {
    for (const variable of this.#variables()) this.#dataIds.set(variable, variable.dataId);
    this.#iterations = this.#counted();
  }

  /** Whether a kernel was assigned to since the last look, by an optimiser or else. */
  get moved(): boolean {
    return this.kernels.some(({ variable }) => this.#moved(variable));
  }

  /** Whether the model was trained since the last look. */
  get trained(): boolean {
    return this.#counted() !== this.#iterations || (this.moved && !this.#counts);
  }

  /** Notes what was trained since the last look. */
  step(): void {
    if (!this.trained) this.#idleSteps += 1;
    if (this.#counted() !== this.#iterations) this.#counts = true;
    for (const variable of this.#variables()) if (this.#moved(variable)) this.#assigned.add(variable);
    const forgotten = this.forgotten();
    if (forgotten === null || this.#warned) return;
    this.#warned = true;
    tf.backend_util.warn(forgotten);
  }

  /** What is wrong where a kernel was trained, and what its strategy added to it never; null where nothing is. */
  forgotten(): string | null {
    for (const { name, variable, trainables } of this.kernels) {
      if (!this.#assigned.has(variable)) continue;
      const [added] = Object.entries(trainables).find(([, of]) => !this.#assigned.has(of)) ?? [];
      if (added === undefined) continue;
      return (
        `${name} was trained, and the ${added} that its strategy added to it were not: the optimiser does not hold ` +
        'them. A model inside another trains with the outer one: give sparsify() that, with `kernels` to choose. ' +
        'In a loop of your own, let the optimiser train pruning.addedVariables too, asked for after sparsify()'
      );
    }
    return null;
  }

  seen(): Seen {
    const trained = this.kernels.map(({ variable }) => Number(this.#assigned.has(variable)));
    return { idleSteps: this.#idleSteps, trained };
  }

  /** Goes on from what another watch has seen of the same kernels. */
  restore({ idleSteps, trained }: Seen): void {
    this.#idleSteps = idleSteps;
    this.#assigned.clear();
    this.kernels.forEach(({ variable, trainables }, i) => {
      if (trained[i]) for (const of of [variable, ...Object.values(trainables)]) this.#assigned.add(of);
    });
  }

  #moved(variable: tf.Variable): boolean {
    return variable.dataId !== this.#dataIds.get(variable);
  }

  #counted(): number {
    return this.optimizer()?.iterations ?? 0;
  }

  *#variables(): Generator<tf.Variable> {
    for (const { variable, trainables } of this.kernels) {
      yield variable;
      yield* Object.values(trainables);
    }
  }
}
