/** First weights and batches, from a seed. */
import type { Network, Parameter } from '../src/network.js';
import type { Batch } from '../src/train.js';
import type { Kind } from './kinds.js';

const BATCH = 4;

/** Numbers from −1 to 1 that single precision holds (xorshift32). */
function randomNumbers(seed: number): () => number {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return Math.fround((state / 2 ** 32) * 2 - 1);
  };
  for (let i = 0; i < 16; i++) next(); // What comes first of near seeds is alike.
  return next;
}

/** Gives every parameter its first values, in size those of a usual initialiser. */
export function startWeights({ parameters }: Network, seed: number): void {
  const random = randomNumbers(seed);
  for (const parameter of parameters) {
    const [centre, spread] = rangeOf(parameter);
    for (let i = 0; i < parameter.values.length; i++) {
      parameter.values[i] = Math.fround(centre + spread * random());
    }
  }
}

function rangeOf({ name, shape }: Parameter): [centre: number, spread: number] {
  if (name.endsWith('/moving_mean')) return [0, 0];
  if (name.endsWith('/moving_variance')) return [1, 0];
  if (name.endsWith('/gamma')) return [1, 0.3];
  if (shape.length < 2) return [0, 0.2];
  const outputs = shape[shape.length - 1];
  const inputs = shape.reduce((a, b) => a * b, 1) / outputs;
  return [0, 1.3 * Math.sqrt(6 / (inputs + outputs))];
}

/** One batch a step. */
export function batchesFor({ inputShape, outputs, entries }: Kind, steps: number, seed: number): Batch[] {
  const random = randomNumbers(seed ^ 0x2545f491);
  const size = inputShape.reduce((a, b) => a * b, 1);
  const input = () => (entries ? Math.floor(((random() + 1) / 2) * entries) % entries : random());
  return Array.from({ length: steps }, () => ({
    shape: [BATCH, ...inputShape],
    x: Array.from({ length: BATCH * size }, input),
    y: Array.from({ length: BATCH * outputs }, random),
  }));
}
