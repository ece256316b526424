import { inMemory, type MemoryExamples } from '@espalier/datasets';
import { classification, regression, type Task, type Workload, type WorkloadData } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { isUsageError } from '../errors.js';
import { examine, type Looks } from './examine.js';

beforeAll(() => tf.setBackend('cpu'));

/** Of inputs of two numbers. */
function examples(targets: Float32Array | Int32Array, shape: readonly number[] = []): MemoryExamples {
  const type = targets instanceof Int32Array ? ('int32' as const) : ('float32' as const);
  const count = targets.length / shape.reduce((product, length) => product * length, 1);
  const inputs = Float32Array.from({ length: 2 * count }, (_, i) => i);
  return inMemory([{ shape: [2], type: 'float32', values: inputs }], { shape, type, values: targets });
}

const labels = examples(Int32Array.of(0, 1, 2, 1));
const flat = examples(Float32Array.of(0.5, 1.5));
const numbers = examples(Float32Array.of(0.5, 1.5), [1]);

const dense = (units: number, more: object = {}) => tf.layers.dense({ inputShape: [2], units, ...more });
const ending = (...layers: tf.layers.Layer[]) => tf.sequential({ layers });

async function look(task: Task, data: WorkloadData, model: tf.LayersModel): Promise<Looks> {
  try {
    return await examine({ name: 'mine', task } as Workload, data, model);
  } finally {
    model.dispose();
  }
}

const nested = () => {
  const outer = tf.input({ shape: [2] });
  const inner = ending(dense(3, { activation: 'softmax' }));
  return tf.model({ inputs: outer, outputs: inner.apply(outer) as tf.SymbolicTensor });
};
const withNaN = inMemory(
  [{ shape: [2], type: 'float32', values: Float32Array.of(0, 0, 0, NaN, 0, 0, 0, 0) }],
  { shape: [], type: 'int32', values: Int32Array.of(0, 1, 2, 1) },
);
const many = Int32Array.from({ length: 2500 }, (_, i) => (i === 2100 ? 3 : 0));

const refused: [string, Task, WorkloadData, () => tf.LayersModel, RegExp][] = [
  [
    'a label above the classes',
    classification,
    { train: labels, test: labels },
    () => ending(dense(2)),
    /in its training set, the label of example 2 is 2, and the model's 2 outputs are for whole numbers from 0 to 1/,
  ],
  [
    'a label far down',
    classification,
    { train: labels, test: examples(many) },
    () => ending(dense(3)),
    /in its test set, the label of example 2100 is 3/,
  ],
  [
    'a label below 0',
    classification,
    { train: examples(Int32Array.of(0, -1)), test: labels },
    () => ending(dense(3)),
    /example 1 is -1/,
  ],
  [
    'a label that is not whole',
    classification,
    { train: examples(Float32Array.of(0.5)), test: labels },
    () => ending(dense(3)),
    /example 0 is 0\.5/,
  ],
  [
    'a label that is NaN',
    classification,
    { train: examples(Float32Array.of(1, NaN)), test: labels },
    () => ending(dense(3)),
    /example 1 is NaN/,
  ],
  [
    'labels as floats',
    classification,
    { train: examples(Float32Array.of(1, 2)), test: labels },
    () => ending(dense(3)),
    /Int32Array\.from\(labels\)/,
  ],
  [
    'one-hot rows',
    classification,
    { train: examples(Float32Array.of(0, 0, 1), [3]), test: labels },
    () => ending(dense(3)),
    /shape \[3\].*give an index in place of a one-hot row/,
  ],
  [
    'one output for classes',
    classification,
    { train: labels, test: labels },
    () => ending(dense(1)),
    /end it in a dense layer with a unit for each class/,
  ],
  [
    'a model that ends in softmax',
    classification,
    { train: labels, test: labels },
    () => ending(dense(3, { activation: 'softmax' })),
    /ends in softmax.*takes logits: leave the last layer's activation out/,
  ],
  [
    'a softmax layer',
    classification,
    { train: labels, test: labels },
    () => ending(dense(3), tf.layers.softmax()),
    /ends in softmax/,
  ],
  [
    'an activation layer, dropped out',
    classification,
    { train: labels, test: labels },
    () => ending(dense(3), tf.layers.activation({ activation: 'sigmoid' }), tf.layers.dropout({ rate: 0.1 })),
    /ends in sigmoid/,
  ],
  ['a softmax in a model within', classification, { train: labels, test: labels }, nested, /ends in softmax/],
  [
    'no training examples',
    classification,
    { train: examples(new Int32Array()), test: labels },
    () => ending(dense(3)),
    /in its training set, there are no examples/,
  ],
  [
    'no test examples',
    regression,
    { train: numbers, test: examples(new Float32Array()) },
    () => ending(dense(1)),
    /in its test set, there are no examples/,
  ],
  [
    'an input that is NaN',
    classification,
    { train: labels, test: withNaN },
    () => ending(dense(3)),
    /in its test set, an input of example 1 is NaN/,
  ],
  [
    'inputs of another shape',
    classification,
    { train: labels, test: labels },
    () => ending(tf.layers.dense({ inputShape: [3], units: 3 })),
    /inputs are of shape \[2\], and its model takes \[3\]/,
  ],
  [
    'targets that would be broadcast',
    regression,
    { train: flat, test: flat },
    () => ending(dense(1)),
    /outputs are \[batch, 1\] and its targets \[batch\]: make them one shape/,
  ],
  [
    'a target that is infinite',
    regression,
    { train: examples(Float32Array.of(1, 2, 3, Infinity), [2]), test: numbers },
    () => ending(dense(2)),
    /a target of example 1 is Infinity/,
  ],
  [
    'fewer targets than its shape says',
    regression,
    { train: { ...numbers, target: { shape: [2], type: 'float32' } }, test: numbers },
    () => ending(dense(2)),
    /2 examples have 2 target numbers, where its shape \[2\] makes 4/,
  ],
];

describe('examine', () => {
  it.each(refused)('refuses %s in one line', async (_, task, data, model, message) => {
    const refusal: unknown = await look(task, data, model()).catch((error: unknown) => error);
    expect(refusal).toSatisfy(isUsageError);
    expect((refusal as Error).message).toMatch(message);
    expect((refusal as Error).message).toMatch(/^The workload 'mine' cannot be trained: [^\n]+$/);
  });

  it('lets pass what fits, and a softmax where the task is one that takes it', async () => {
    await look(classification, { train: labels, test: labels }, ending(dense(3, { activation: 'relu' })));
    const pairs = examples(Float32Array.of(1, 2), [2]);
    await look(regression, { train: pairs, test: pairs }, ending(dense(2, { activation: 'softmax' })));
  });

  it('asks a task of one’s own, which may have nothing to say', async () => {
    const own: Task = { name: 'own', loss: regression.loss };
    await look(own, { train: numbers, test: numbers }, ending(dense(7)));
    const particular: Task = {
      ...own,
      check: ({ targets }) => (targets[0]! < 1 ? 'the first is small' : null),
    };
    await expect(look(particular, { train: numbers, test: numbers }, ending(dense(7)))).rejects.toThrow(
      "The workload 'mine' cannot be trained: in its training set, the first is small",
    );
  });

  it('looks at what is read from files when it comes, and beforehand at the first of it', async () => {
    const all = examples(Int32Array.from({ length: 2500 }, (_, i) => (i === 2100 ? 3 : 0)));
    const read = { ...all, gather: async (indices: ArrayLike<number>) => all.gather(indices) };
    const { train, test } = await look(classification, { train: read, test: labels }, ending(dense(3)));
    expect(test).toBeNull();
    const indices = Int32Array.of(7, 2100);
    train?.(all.gather([7, 8]), Int32Array.of(7, 8));
    expect(() => train?.(all.gather(indices), indices)).toThrow(
      /in its training set, the label of example 2100 is 3/,
    );
  });

  it('takes several inputs, and weights where the task has a loss for them', async () => {
    const column = (values: Float32Array) => ({ shape: [1], type: 'float32' as const, values });
    const target = { shape: [], type: 'int32' as const, values: Int32Array.of(0, 1) };
    const both = () => {
      const inputs = [tf.input({ shape: [1] }), tf.input({ shape: [1] })];
      const joined = tf.layers.concatenate().apply(inputs) as tf.SymbolicTensor;
      return tf.model({ inputs, outputs: tf.layers.dense({ units: 2 }).apply(joined) as tf.SymbolicTensor });
    };
    const pair = [column(Float32Array.of(1, 2)), column(Float32Array.of(3, 4))];
    const set = (weights?: Float32Array) => {
      const part = inMemory(pair, target, weights);
      return { train: part, test: part };
    };
    await look(classification, set(), both());
    await look(classification, set(Float32Array.of(1, 0.5)), both());
    const { weightedLoss: _, ...unweighted } = classification;
    await expect(look(unweighted, set(Float32Array.of(1, 0.5)), both())).rejects.toThrow('weightedLoss');
    await expect(look(classification, set(Float32Array.of(1, -1)), both())).rejects.toThrow(
      'the weight of example 1 is -1',
    );
    await expect(look(classification, { train: labels, test: labels }, both())).rejects.toThrow(
      'there are 1 inputs, and its model takes 2',
    );
  });
});
