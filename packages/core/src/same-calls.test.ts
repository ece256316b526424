import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { assertRebuilt } from './rebuildable.js';
import { hasSameCalls } from './same-calls.js';

const { dense } = tf.layers;
type Symbolic = tf.SymbolicTensor;

/**
 * A layer called on the last of two layers that take turns, and then on the input. As tfjs makes the calls of a configuration,
 * the turns take two passes over the layers, and the second call is made in the first.
 */
function laterFirst(): tf.LayersModel {
  const x = tf.input({ shape: [4] });
  const [odd, even, shared] = ['odd', 'even', 'shared'].map((name) => dense({ units: 4, name }));
  const turns = [odd!, even!, odd!, even!].reduce((value, layer) => layer.apply(value) as Symbolic, x);
  const first = shared!.apply(turns) as Symbolic;
  const second = shared!.apply(x) as Symbolic;
  const outputs = tf.layers.concatenate({ name: 'both' }).apply([first, second]) as Symbolic;
  return tf.model({ inputs: x, outputs });
}

/** A layer called twice, in the order in which its inputs come. */
function inOrder(): tf.LayersModel {
  const x = tf.input({ shape: [4] });
  const shared = dense({ units: 4, name: 'shared' });
  const second = shared.apply(x) as Symbolic;
  const first = shared.apply(dense({ units: 4, name: 'first' }).apply(second)) as Symbolic;
  return tf.model({ inputs: x, outputs: tf.layers.add().apply([first, second]) as Symbolic });
}

const copyOf = (model: tf.LayersModel) =>
  tf.models.modelFromJSON(
    model.toJSON(null, false) as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
  );

/** How far the outputs of a copy with the same weights are from a model's. */
function apart(model: tf.LayersModel, copy: tf.LayersModel): number {
  const named = new Map(copy.layers.map((layer) => [layer.name, layer]));
  for (const layer of model.layers) named.get(layer.name)!.setWeights(layer.getWeights());
  return tf.tidy(() => {
    const x = tf.randomNormal([8, 4], 0, 1, 'float32', 1);
    const [own, its] = [model, copy].map((each) => each.predict(x) as tf.Tensor);
    return own!.sub(its!).abs().max().dataSync()[0]!;
  });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('a copy made of a configuration', () => {
  it('has other calls where tfjs makes a later call of a layer first, and computes something else', async () => {
    const model = laterFirst();
    const copy = await copyOf(model);
    expect(apart(model, copy)).toBeGreaterThan(1e-3);
    expect(hasSameCalls(model, copy)).toBe(false);
    expect(() => assertRebuilt(model, copy)).toThrow(/mixes up calls of a layer that is used several times/);
  });

  it('is refused too where the model is inside another', async () => {
    const x = tf.input({ shape: [4] });
    const inner = laterFirst();
    const model = tf.model({ inputs: x, outputs: inner.apply(x) as Symbolic });
    const copy = await copyOf(model);
    expect(hasSameCalls(model, copy)).toBe(true);
    expect(() => assertRebuilt(model, copy)).toThrow(`${inner.name} calls its layers otherwise`);
  });

  it('has the same calls elsewhere, and computes the same', async () => {
    const model = inOrder();
    const copy = await copyOf(model);
    expect(apart(model, copy)).toBe(0);
    expect(hasSameCalls(model, copy)).toBe(true);
    expect(() => assertRebuilt(model, copy)).not.toThrow();
    const chain = tf.sequential({ layers: [dense({ units: 2, inputShape: [4] })] });
    expect(hasSameCalls(chain, await copyOf(chain))).toBe(true);
  });
});
