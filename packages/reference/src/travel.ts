/**
 * The rule by which attention logits are trained: Adam, of rates that fall as the half of a cosine from the first step to
 * the last, and are `c ln(1/d)` in all, d the density. So far go logits whose derivatives never change. Those of pruned
 * blocks stay where they are.
 */
import type { Parameter } from './network.js';
import type { Kernel, Run } from './run.js';

const FIRST = 0.9;
const SECOND = 0.999;
/** For derivatives that are 0. */
const TINY = 1e-12;

export class Travel {
  /** What each step has of the whole. */
  readonly #shares: readonly number[];
  readonly #moments = new Map<Parameter, { first: number[]; second: number[] }>();
  #steps = 0;

  constructor(
    private readonly run: Run,
    /** c */
    private readonly distance: number,
  ) {
    const heights = Array.from({ length: run.steps }, (_, k) => 1 + Math.cos((Math.PI * k) / run.steps));
    const sum = heights.reduce((total, height) => total + height, 0);
    this.#shares = heights.map((height) => height / sum);
  }

  /** As if no step had been taken. */
  reset(): void {
    this.#moments.clear();
    this.#steps = 0;
  }

  /** A step of all logits; what their derivatives are, nobody else is to know. */
  step(step: number, gradients: Map<Parameter, number[]>): void {
    this.#steps++;
    for (const kernel of this.run.kernels) {
      const logits = kernel.added!;
      this.#move(kernel, gradients.get(logits)!, this.#shares[step] * this.#whole(kernel));
      gradients.delete(logits);
    }
  }

  #whole({ density }: Kernel): number {
    return -this.distance * Math.log(density);
  }

  #move({ added, mask }: Kernel, gradient: readonly number[], rate: number): void {
    const logits = added!;
    const { round } = this.run;
    const zeros = () => gradient.map(() => 0);
    const moments = this.#moments.get(logits) ?? { first: zeros(), second: zeros() };
    this.#moments.set(logits, moments);
    gradient.forEach((g, i) => {
      moments.first[i] = round(FIRST * moments.first[i] + (1 - FIRST) * g);
      moments.second[i] = round(SECOND * moments.second[i] + (1 - SECOND) * g ** 2);
      const mean = moments.first[i] / (1 - FIRST ** this.#steps);
      const meanSquare = moments.second[i] / (1 - SECOND ** this.#steps);
      if (!mask[i]) return;
      logits.values[i] = round(logits.values[i] - (rate * mean) / (Math.sqrt(meanSquare) + TINY));
    });
  }
}
