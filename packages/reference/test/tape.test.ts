import { describe, expect, it } from 'vitest';

import { type Node, Tape } from '../src/tape.js';
import { centralDifference } from './central-difference.js';

/** Every operation as a function of two numbers. */
const operations: Record<string, (tape: Tape, a: Node, b: Node) => Node> = {
  add: (tape, a, b) => tape.add(a, b),
  sub: (tape, a, b) => tape.sub(a, b),
  mul: (tape, a, b) => tape.mul(a, b),
  div: (tape, a, b) => tape.div(a, b),
  times: (tape, a, b) => tape.add(tape.times(-1.7, a), b),
  plus: (tape, a, b) => tape.mul(tape.plus(0.4, a), b),
  sum: (tape, a, b) => tape.sum([a, b, a]),
  mean: (tape, a, b) => tape.mean([a, b, a, a]),
  dot: (tape, a, b) => tape.dot([a, b], [b, b]),
  square: (tape, a, b) => tape.square(tape.mul(a, b)),
  sqrt: (tape, a, b) => tape.sqrt(tape.mul(a, b)),
  power: (tape, a, b) => tape.power(tape.add(a, b), 2.3),
  exp: (tape, a, b) => tape.exp(tape.mul(a, b)),
  sigmoid: (tape, a, b) => tape.sigmoid(tape.mul(a, b)),
  tanh: (tape, a, b) => tape.tanh(tape.sub(a, b)),
  'clip, within': (tape, a, b) => tape.clip(tape.mul(a, b), 0.1, 3),
  'clip, below': (tape, a, b) => tape.mul(tape.clip(a, 3, 4), b),
  'clip, above': (tape, a, b) => tape.mul(tape.clip(a, 0.1, 0.2), b),
  relu: (tape, a, b) => tape.relu(tape.sub(a, b)),
  'max, of the first': (tape, a, b) => tape.max(tape.times(5, a), b),
  'max, of the second': (tape, a, b) => tape.max(a, tape.times(5, b)),
  abs: (tape, a, b) => tape.abs(tape.sub(b, tape.times(9, a))),
};

describe('the tape', () => {
  it.each(Object.entries(operations))('derives %s as central differences do', (_, operation) => {
    const at = [0.8, 1.1];
    const evaluate = (values: readonly number[]) => {
      const tape = new Tape();
      const [a, b] = values.map((value) => tape.leaf(value));
      return { tape, a, b, result: operation(tape, a, b) };
    };
    const { tape, a, b, result } = evaluate(at);
    const gradients = tape.gradients(result);
    const value = (values: readonly number[]) => {
      const there = evaluate(values);
      return there.tape.value(there.result);
    };
    [a, b].forEach((node, i) => expect(gradients[node]).toBeCloseTo(centralDifference(value, at, i), 7));
  });

  it('adds up the derivatives by the places that a number is used in', () => {
    const tape = new Tape();
    const x = tape.leaf(3);
    const y = tape.add(tape.mul(x, x), tape.times(2, x)); // x² + 2x
    expect(tape.gradients(y)[x]).toBe(8);
  });

  it('remembers how near a function came to where it has no derivative', () => {
    const tape = new Tape();
    for (const value of [2, -0.25, 0.5]) tape.relu(tape.leaf(value));
    expect(tape.nearestKink).toBe(0.25);
  });
});
