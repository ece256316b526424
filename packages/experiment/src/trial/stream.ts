/** Batches as tensors, in the order in which they are asked for; the next ones are on their way while one is used. */
import { sizeOf, type Batch, type Draw, type Examples, type Field, type Values } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs';

export interface BatchTensors {
  /** The model's inputs, `[batch, …]` each. */
  readonly inputs: readonly tf.Tensor[];
  /** Class indices, `[batch]` int32, or numbers, `[batch, …]`. */
  readonly targets: tf.Tensor;
  /** Null where all examples count alike. */
  readonly weights: tf.Tensor1D | null;
}

/** A batch that is wanted. */
export interface Wanted {
  readonly indices: Int32Array;
  /** Of training; nothing is random without. */
  readonly draw?: Draw;
}

/** Looks at a batch before it is used; throws where it cannot be. */
export type Look = (batch: Batch, indices: Int32Array) => void;

/** So many batches are read ahead: one that waits, and one that is being read. */
const AHEAD = 2;

/**
 * Gathers what is wanted, one batch after another. Whoever stops early calls `return()`, as `for await` does.
 *
 * @throws what reading throws, when the batch's turn comes
 */
export async function* gathered(
  examples: Examples,
  wanted: Iterable<Wanted>,
  look: Look | null = null,
): AsyncGenerator<{ batch: Batch; count: number }, void> {
  const coming: Promise<{ batch: Batch; count: number }>[] = [];
  const read = async ({ indices, draw }: Wanted) => {
    const batch = await examples.gather(indices, draw);
    look?.(batch, indices);
    return { batch, count: indices.length };
  };
  const still = wanted[Symbol.iterator]();
  const ask = () => {
    const { value, done } = still.next();
    if (done) return;
    const reading = read(value);
    // It is waited for when its turn comes, which may be never.
    reading.catch(() => {});
    coming.push(reading);
  };
  try {
    for (let i = 0; i <= AHEAD; i++) ask();
    for (let next = coming.shift(); next; next = coming.shift()) {
      yield await next;
      ask();
    }
  } finally {
    // Files may be closed afterwards: nobody reads any more.
    await Promise.allSettled(coming);
  }
}

/** A part of a batch as tensors, which the caller disposes. */
export function toTensors(
  { inputs, target }: Pick<Examples, 'inputs' | 'target'>,
  batch: Batch,
  first: number,
  end: number,
): BatchTensors {
  const tensor = (values: Values, { shape, type }: Field) => {
    const size = sizeOf({ shape });
    return tf.tensor(values.subarray(first * size, end * size), [end - first, ...shape], type);
  };
  return {
    inputs: inputs.map((field, i) => tensor(batch.inputs[i] as Values, field)),
    targets: tensor(batch.targets, target),
    weights: batch.weights ? tf.tensor1d(batch.weights.subarray(first, end)) : null,
  };
}

export function disposeTensors({ inputs, targets, weights }: BatchTensors): void {
  tf.dispose([...inputs, targets, ...(weights ? [weights] : [])]);
}

const EVALUATION_BATCH = 1000;

/** Numbers on the device at a time: what a batch of large images would be is cut smaller. */
const EVALUATION_NUMBERS = 1 << 24;

/** All examples in their order, batch by batch; the receiver disposes the tensors. */
export async function* inOrder(
  examples: Examples,
  look: Look | null = null,
): AsyncGenerator<BatchTensors, void> {
  const { count, inputs } = examples;
  const size = inputs.reduce((sum, field) => sum + sizeOf(field), 0);
  const at = Math.max(1, Math.min(EVALUATION_BATCH, Math.floor(EVALUATION_NUMBERS / Math.max(size, 1))));
  for await (const { batch, count: length } of gathered(examples, stretches(count, at), look)) {
    yield toTensors(examples, batch, 0, length);
  }
}

/** Examples from first to last, so many at a time. */
export function* stretches(count: number, size: number): Generator<Wanted> {
  for (let first = 0; first < count; first += size) {
    yield { indices: Int32Array.from({ length: Math.min(size, count - first) }, (_, i) => first + i) };
  }
}
