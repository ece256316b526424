import type { Examples } from '@espalier/datasets';
import { classification, regression, type Task, type Workload, type WorkloadData } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { isUsageError } from '../errors.js';
import { examine } from './examine.js';

beforeAll(() => tf.setBackend('cpu'));

/** Of inputs of two numbers. */
function examples(targets: Float32Array | Int32Array, targetShape: readonly number[] = []): Examples {
  const size = targetShape.reduce((product, length) => product * length, 1);
  const count = targets.length / size;
  const inputs = Float32Array.from({ length: 2 * count }, (_, i) => i);
  return {
    ...{ count, inputShape: [2], targetShape },
    gather: (indices) => ({
      inputs: Float32Array.from(Array.from(indices).flatMap((i) => [...inputs.slice(2 * i, 2 * i + 2)])),
      targets: (targets as Int32Array).slice(indices[0]! * size, (indices[indices.length - 1]! + 1) * size),
    }),
    content: () => [inputs, targets],
  };
}

const labels = examples(Int32Array.of(0, 1, 2, 1));
const flat = examples(Float32Array.of(0.5, 1.5));
const numbers = examples(Float32Array.of(0.5, 1.5), [1]);

const dense = (units: number, more: object = {}) => tf.layers.dense({ inputShape: [2], units, ...more });
const ending = (...layers: tf.layers.Layer[]) => tf.sequential({ layers });

function look(task: Task, data: WorkloadData, model: tf.LayersModel): void {
  try {
    examine({ name: 'mine', task } as Workload, data, model);
  } finally {
    model.dispose();
  }
}

const nested = () => {
  const outer = tf.input({ shape: [2] });
  const inner = ending(dense(3, { activation: 'softmax' }));
  return tf.model({ inputs: outer, outputs: inner.apply(outer) as tf.SymbolicTensor });
};
const withNaN: Examples = {
  ...labels,
  gather: (indices) => ({ ...labels.gather(indices), inputs: Float32Array.of(0, 0, 0, NaN, 0, 0, 0, 0) }),
};
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
    { train: { ...numbers, targetShape: [2] }, test: numbers },
    () => ending(dense(2)),
    /2 examples have 2 target numbers, where targetShape \[2\] makes 4/,
  ],
];

describe('examine', () => {
  it.each(refused)('refuses %s in one line', (_, task, data, model, message) => {
    const looking = () => look(task, data, model());
    expect(looking).toThrow(message);
    expect(looking).toThrow(/^The workload 'mine' cannot be trained: [^\n]+$/);
    expect(looking).toThrow(expect.toSatisfy(isUsageError) as Error);
  });

  it('lets pass what fits, and a softmax where the task is one that takes it', () => {
    look(classification, { train: labels, test: labels }, ending(dense(3, { activation: 'relu' })));
    const pairs = examples(Float32Array.of(1, 2), [2]);
    look(regression, { train: pairs, test: pairs }, ending(dense(2, { activation: 'softmax' })));
  });

  it('asks a task of one’s own, which may have nothing to say', () => {
    const own: Task = { name: 'own', loss: regression.loss };
    look(own, { train: numbers, test: numbers }, ending(dense(7)));
    const particular: Task = {
      ...own,
      check: ({ targets }) => (targets[0]! < 1 ? 'the first is small' : null),
    };
    expect(() => look(particular, { train: numbers, test: numbers }, ending(dense(7)))).toThrow(
      "The workload 'mine' cannot be trained: in its training set, the first is small",
    );
  });
});
