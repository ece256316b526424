/**
 * Reverse-mode differentiation of doubles, one number a node: a tape on which every operation notes its value, what it
 * was made of, and the derivative by each of these. Slow and short, so that there is little to be wrong.
 */

/** A number on the tape: its place there. */
export type Node = number;

/** What every number is rounded to. */
export type Rounding = (value: number) => number;

export const exactly: Rounding = (value) => value;

export class Tape {
  readonly values: number[] = [];
  /** How near to a place where it has no derivative any function was evaluated: of `relu` at 0, say. */
  nearestKink = Infinity;
  /** Where each node's inputs end in the two lists that follow. */
  readonly #ends: number[] = [];
  readonly #inputs: Node[] = [];
  readonly #partials: number[] = [];

  constructor(private readonly round: Rounding = exactly) {}

  /** A number that everything else is made of, or none is derived by. */
  leaf(value: number): Node {
    return this.node(value, [], []);
  }

  /** @param partials the derivative of `value` by each of `inputs` */
  node(value: number, inputs: readonly Node[], partials: readonly number[]): Node {
    for (let i = 0; i < inputs.length; i++) {
      this.#inputs.push(inputs[i]);
      this.#partials.push(partials[i]);
    }
    this.#ends.push(this.#inputs.length);
    return this.values.push(this.round(value)) - 1;
  }

  value(node: Node): number {
    return this.values[node];
  }

  /** The derivative of `output` by every node of the tape, by its place. */
  gradients(output: Node): Float64Array {
    const gradients = new Float64Array(this.values.length);
    gradients[output] = 1;
    for (let node = output; node >= 0; node--) {
      const gradient = gradients[node];
      if (gradient === 0) continue;
      for (let edge = node === 0 ? 0 : this.#ends[node - 1]; edge < this.#ends[node]; edge++) {
        const input = this.#inputs[edge];
        gradients[input] = this.round(gradients[input] + this.round(gradient * this.#partials[edge]));
      }
    }
    return gradients;
  }

  add(a: Node, b: Node): Node {
    return this.node(this.values[a] + this.values[b], [a, b], [1, 1]);
  }

  sub(a: Node, b: Node): Node {
    return this.node(this.values[a] - this.values[b], [a, b], [1, -1]);
  }

  mul(a: Node, b: Node): Node {
    return this.node(this.values[a] * this.values[b], [a, b], [this.values[b], this.values[a]]);
  }

  div(a: Node, b: Node): Node {
    const quotient = this.values[a] / this.values[b];
    return this.node(quotient, [a, b], [1 / this.values[b], -quotient / this.values[b]]);
  }

  /** `factor · a`, of a factor that nothing is derived by. */
  times(factor: number, a: Node): Node {
    return this.node(factor * this.values[a], [a], [factor]);
  }

  /** `a + shift`, of a shift that nothing is derived by. */
  plus(shift: number, a: Node): Node {
    return this.node(this.values[a] + shift, [a], [1]);
  }

  sum(nodes: readonly Node[]): Node {
    return this.node(
      nodes.reduce((sum, node) => sum + this.values[node], 0),
      nodes,
      nodes.map(() => 1),
    );
  }

  mean(nodes: readonly Node[]): Node {
    return this.times(1 / nodes.length, this.sum(nodes));
  }

  /** `Σ a_i b_i`. */
  dot(a: readonly Node[], b: readonly Node[]): Node {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += this.values[a[i]] * this.values[b[i]];
    const valuesOf = (nodes: readonly Node[]) => nodes.map((node) => this.values[node]);
    return this.node(sum, [...a, ...b], [...valuesOf(b), ...valuesOf(a)]);
  }

  square(a: Node): Node {
    return this.mul(a, a);
  }

  sqrt(a: Node): Node {
    const root = Math.sqrt(this.values[a]);
    return this.node(root, [a], [0.5 / root]);
  }

  /** `a^p` of an `a` above 0. */
  power(a: Node, p: number): Node {
    const value = this.values[a];
    return this.node(value ** p, [a], [p * value ** (p - 1)]);
  }

  exp(a: Node): Node {
    const value = Math.exp(this.values[a]);
    return this.node(value, [a], [value]);
  }

  sigmoid(a: Node): Node {
    const value = 1 / (1 + Math.exp(-this.values[a]));
    return this.node(value, [a], [value * (1 - value)]);
  }

  tanh(a: Node): Node {
    const value = Math.tanh(this.values[a]);
    return this.node(value, [a], [1 - value * value]);
  }

  /** `a` held between two bounds, where it has no derivative. */
  clip(a: Node, low: number, high: number): Node {
    const value = this.values[a];
    this.nearestKink = Math.min(this.nearestKink, Math.abs(value - low), Math.abs(value - high));
    if (value < low) return this.leaf(low);
    return value > high ? this.leaf(high) : this.node(value, [a], [1]);
  }

  relu(a: Node): Node {
    return this.clip(a, 0, Infinity);
  }

  /** The larger of the two. */
  max(a: Node, b: Node): Node {
    return this.add(b, this.relu(this.sub(a, b)));
  }

  /** Its derivative at 0 is taken for 0: it is used where what is made of it has one there. */
  abs(a: Node): Node {
    const value = this.values[a];
    return this.node(Math.abs(value), [a], [Math.sign(value)]);
  }
}
