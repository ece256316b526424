import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DataError, fromArrays } from '@espalier/datasets';
import { adam } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { classification } from '../tasks/classification.js';
import { regression } from '../tasks/regression.js';
import { defineWorkload, type OwnWorkload } from './define-workload.js';
import { endingInLogits } from './ending-in-logits.js';
import { fromTensors } from './from-tensors.js';
import { pretrained } from './pretrained.js';

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'espalier-own-'));
});
afterAll(() => rm(folder, { recursive: true }));

const network = (activation?: 'softmax') =>
  tf.sequential({
    layers: [tf.layers.dense({ inputShape: [2], units: 3, ...(activation && { activation }) })],
  });
const options = { dataFolder: '', seed: 0 };
const data = fromArrays({ inputs: [[1, 2], [3, 4], [5, 6], [7, 8]], labels: [0, 1, 2, 0], testShare: 0.25 }); // prettier-ignore

/** As `model.save` writes it. */
async function saved(model: tf.LayersModel): Promise<string> {
  const path = join(folder, 'model.json');
  const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    await writeFile(path, JSON.stringify({ modelTopology, weightsManifest }));
    await writeFile(join(folder, 'weights.bin'), new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  return path;
}

describe('defineWorkload', () => {
  const usual = { name: 'mine', data, model: () => network(), task: classification };

  it('is whole with a name, data, a model and a task', async () => {
    const workload = defineWorkload(usual);
    expect(workload.defaults).toEqual({
      ...{ sparsities: [0.9], blockShapes: [[8, 8]], seeds: [0, 1, 2] },
      ...{ epochs: 10, batchSize: 64 },
    });
    const closing = { ...data, close: () => expect.fail('closed for the others') };
    const loaded = await defineWorkload({ ...usual, data: closing }).load(options);
    expect(loaded).toEqual(data);
    expect(loaded.close).toBeUndefined();
    expect([workload.learningRate(0), workload.learningRate(1)]).toEqual([0.1, 0]);
    expect(workload.optimizer().learningRate).toBe(0.1);
  });

  it('keeps the rate of an optimiser of one’s own', () => {
    const workload = defineWorkload({ ...usual, optimizer: () => adam({ learningRate: 0.003 }) });
    expect([workload.learningRate(0), workload.learningRate(0.9)]).toEqual([0.003, 0.003]);
  });

  it('loads by a function, and knows the files of a pretrained model', async () => {
    const path = await saved(network());
    const workload = defineWorkload({ ...usual, data: async () => data, model: pretrained(path) });
    const loaded = await workload.load(options);
    const before = await loaded.modelDigest?.();
    expect(loaded.digest?.()).toBe(data.digest?.());
    await saved(network());
    const anew = defineWorkload({ ...usual, model: pretrained(path) });
    expect(await (await anew.load(options)).modelDigest?.()).not.toBe(before);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown part', { loss: 1 }, /defineWorkload\(\) has no option 'loss'/],
    ['a model that was built', { model: {} }, /model = .*a function that makes its model/],
    ['no data', { data: undefined }, /data = undefined/],
    ['a task by its name', { task: 'classification' }, /task = 'classification'/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => defineWorkload({ ...usual, ...wrong } as unknown as OwnWorkload)).toThrow(message);
  });
});

describe('fromTensors', () => {
  it('reads inputs, labels and weights, and leaves the tensors to the caller', async () => {
    const inputs = tf.tensor3d([[[1], [2]], [[3], [4]], [[5], [6]]]); // prettier-ignore
    const before = tf.memory().numTensors;
    const labels = tf.tensor1d([0, 1, 0], 'int32');
    const set = await fromTensors({ inputs, labels, weights: tf.tensor1d([1, 2, 3]), testShare: 0.34 });
    expect(tf.memory().numTensors).toBe(before + 2);
    expect([set.train.count, set.test.count]).toEqual([2, 1]);
    expect(set.train.inputs).toEqual([{ shape: [2, 1], type: 'float32' }]);
    const [train, test] = [await set.train.gather([0, 1]), await set.test.gather([0])];
    const seen = [...train.inputs[0]!, ...test.inputs[0]!].sort();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(train.inputs[0]![0]).toBe(2 * train.weights![0]! - 1);
  });

  it('makes an output of each number of its own', async () => {
    const set = await fromTensors({ inputs: tf.ones([5, 2]), targets: tf.ones([5]) });
    expect(set.train.target).toEqual({ shape: [1], type: 'float32' });
    expect(regression.check?.({ outputShape: [1], outputActivation: 'linear', targetShape: [1], targets: Float32Array.of(1), examples: [0] })).toBeNull(); // prettier-ignore
  });

  it('refuses arrays', async () => {
    await expect(fromTensors({ inputs: [[1]] as unknown as tf.Tensor })).rejects.toThrow(
      /fromTensors\(\): inputs/,
    );
  });
});

describe('pretrained', () => {
  it('is the model that was saved', async () => {
    const model = network();
    const path = await saved(model);
    const loaded = await pretrained(path)();
    const x = tf.tensor2d([[1, -2]]);
    expect((loaded.predict(x) as tf.Tensor).arraySync()).toEqual((model.predict(x) as tf.Tensor).arraySync());
  });

  it.each<[string, (path: string) => Promise<void>, RegExp]>([
    [
      'weights that are cut',
      () => truncate(join(folder, 'weights.bin'), 20),
      /weights\.bin.* have 20 bytes, where its weights take 36/,
    ],
    ['weights that are not there', () => rm(join(folder, 'weights.bin')), /weights\.bin cannot be read/],
    ['what is no JSON', (path) => writeFile(path, '{'), /model\.json is no JSON/],
    ['what is no model', (path) => writeFile(path, '{}'), /has no modelTopology/],
    ['what is not there', (path) => rm(path), /model\.json cannot be read/],
  ])('refuses %s, by the file', async (_, damage, message) => {
    const path = await saved(network());
    await damage(path);
    const refusal = pretrained(path)();
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(message);
  });
});

describe('endingInLogits', () => {
  const x = () => tf.tensor2d([[1, -2]]);
  const valuesOf = (model: tf.LayersModel) => [...(model.predict(x()) as tf.Tensor).dataSync()];

  it.each<[string, (dense: tf.layers.Layer) => tf.LayersModel]>([
    ['a softmax layer', (dense) => tf.sequential({ layers: [dense, tf.layers.softmax()] })],
    [
      'an activation layer',
      (dense) => tf.sequential({ layers: [dense, tf.layers.activation({ activation: 'softmax' })] }),
    ],
    ['nothing', (dense) => tf.sequential({ layers: [dense] })],
  ])('takes off %s', (_, make) => {
    const dense = tf.layers.dense({ inputShape: [2], units: 3 });
    const model = make(dense);
    const plain = tf.sequential({ layers: [dense] });
    expect(valuesOf(endingInLogits(model))).toEqual(valuesOf(plain));
  });

  it('takes out the last layer’s activation', () => {
    const model = network('softmax');
    const [kernel, bias] = model.getWeights();
    const logits = [
      ...x()
        .matMul(kernel as tf.Tensor2D)
        .add(bias!)
        .dataSync(),
    ];
    valuesOf(endingInLogits(model)).forEach((value, i) => expect(value).toBeCloseTo(logits[i]!, 6));
  });
});
