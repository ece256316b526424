import {
  binaryClassification,
  classification,
  percent,
  regression,
  type QualityMeasure,
  type Task,
} from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { describe as descriptionOf, isQuality } from './measure.js';
import { measuresOf } from './measures-of.js';
import { evaluate } from './trial/evaluate.js';

beforeAll(() => tf.setBackend('cpu'));

const keys = (task: Task) => measuresOf(task).map(({ key }) => key);

/** A measure of a user's own: the mean output. */
const meanOutput: QualityMeasure = {
  key: 'meanOutput',
  title: 'mean output',
  format: percent,
  better: null,
  place: 25,
  accumulator() {
    let sum = 0;
    return {
      ofBatch: (outputs) => outputs.flatten(),
      add: (values) => values.forEach((value) => (sum += value)),
      value: (examples) => sum / examples,
    };
  },
};

describe('measuresOf', () => {
  it('has those of the task, in the order of their places', () => {
    expect(keys(classification).slice(0, 3)).toEqual(['accuracy', 'top5Accuracy', 'loss']);
    expect(keys(binaryClassification).slice(0, 3)).toEqual(['accuracy', 'auc', 'loss']);
    expect(keys(regression)).not.toContain('accuracy');
    const places = measuresOf(classification).map(({ place }) => place);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('has those that a task of its own brings', () => {
    const own: Task = { name: 'own', loss: regression.loss, measures: [meanOutput] };
    expect(keys(own).slice(0, 3)).toEqual(['loss', 'meanOutput', 'supportRecovery']);
  });

  it('refuses two measures of one key', () => {
    const own: Task = { name: 'own', loss: regression.loss, measures: [{ ...meanOutput, key: 'loss' }] };
    expect(() => measuresOf(own)).toThrow("Two measures of the task 'own' have the key 'loss'");
  });

  it('describes each as plain data', () => {
    for (const measure of measuresOf(classification)) {
      const { key, title, format, better, place } = measure;
      expect(descriptionOf(measure)).toMatchObject({ key, title, format, better, place });
    }
  });
});

describe('evaluate', () => {
  const model = () =>
    tf.sequential({ layers: [tf.layers.activation({ activation: 'linear', inputShape: [2] })] });
  const batch = (inputs: number[][], targets: number[]) => ({
    inputs: [tf.tensor2d(inputs)],
    targets: tf.tensor1d(targets, 'int32'),
    weights: null,
  });

  it('measures quality in one pass over batches of any size, and leaves no tensor', async () => {
    // Logits (0, ln 3): probabilities 1/4 and 3/4.
    const [yes, no] = [
      [0, Math.log(3)],
      [Math.log(3), 0],
    ] as [number[], number[]];
    const network = model();
    const before = tf.memory().numTensors;
    async function* batches() {
      yield batch([yes, yes], [1, 1]);
      yield batch([no], [1]);
    }
    const task: Task = { ...classification, measures: [meanOutput] };
    const values = await evaluate(network, task, measuresOf(task).filter(isQuality), batches());
    expect(values['accuracy']).toBeCloseTo(2 / 3, 6);
    expect(values['loss']).toBeCloseTo((2 * Math.log(4 / 3) + Math.log(4)) / 3, 6);
    expect(values['meanOutput']).toBeCloseTo(Math.log(3), 6);
    expect(tf.memory().numTensors).toBe(before);
  });
});
