/** Models of which a copy would compute something else: refused, with the layer's name and the way out. */
import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { compress, compressionReport, decompress } from './index.js';
import { expectClose, fillBlockSparse, loaded, randomTensor, saved } from './test-support.js';

type LayerClass = new (config: object) => tf.layers.Layer;

const known = tf.serialization.SerializationMap.getMap().classNameMap;
const [Dense, Conv2D, TimeDistributed] = ['Dense', 'Conv2D', 'TimeDistributed'].map(
  (name) => known[name]![0] as unknown as LayerClass,
) as [LayerClass, LayerClass, LayerClass];
const { dense } = tf.layers;
const blocks = { blockShape: [4, 4] } as const;

/** Computes twice what a layer of its base computes. */
function doubling<Base extends LayerClass>(base: Base) {
  return class Doubled extends (base as LayerClass) {
    override call(...[inputs, kwargs]: Parameters<tf.layers.Layer['call']>) {
      return tf.tidy(() => super.call([inputs].flat()[0]!.mul(2), kwargs));
    }
  };
}
class Doubled extends doubling(Dense) {}
class DoubledConv extends doubling(Conv2D) {}
class Wrapper extends TimeDistributed {}

class Registered extends doubling(Dense) {
  static readonly className = 'RegisteredDoubled';
}
tf.serialization.registerClass(Registered as never);

/** Holds a factor that its configuration does not tell. */
class Forgetful extends tf.layers.Layer {
  static readonly className: string = 'Forgetful';
  readonly factor: number;
  constructor(config: { factor?: number; name?: string }) {
    super(config as never);
    this.factor = config.factor ?? 1;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]) {
    return [inputs].flat()[0]!.mul(this.factor);
  }
}
class Mindful extends Forgetful {
  static override readonly className = 'Mindful';
  override getConfig() {
    return { ...super.getConfig(), factor: this.factor };
  }
}
class Swish extends (tf.serialization.Serializable as unknown as new () => { getConfig(): object }) {
  static readonly className = 'linear';
  getClassName() {
    return 'linear';
  }
  override getConfig() {
    return {};
  }
  apply(x: tf.Tensor) {
    return x.mul(x.sigmoid());
  }
}
for (const own of [Forgetful, Mindful]) tf.serialization.registerClass(own as never);

function modelOf(inputShape: number[], ...layers: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape: inputShape });
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output, name: 'whole' });
  fillBlockSparse(model, [4, 4], 0.5);
  return model;
}

function changed<T>(value: T, change: (value: T) => void): T {
  change(value);
  return value;
}

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

const plainDense = () => dense({ units: 8, name: 'plain' });

describe.each<[string, () => tf.LayersModel, string]>([
  [
    'a class derived from Dense without a name of its own',
    () => modelOf([8], new Doubled({ units: 8, name: 'own' })),
    'own is of the class Doubled, and would be built anew as the Dense that is registered: give Doubled a className of its own',
  ],
  [
    'one derived from a convolution',
    () => modelOf([6, 6, 4], new DoubledConv({ filters: 8, kernelSize: 3, name: 'own' })),
    'own is of the class DoubledConv, and would be built anew as the Conv2D',
  ],
  [
    'one in a model in the model',
    () =>
      modelOf(
        [8],
        tf.sequential({ name: 'inner', layers: [new Doubled({ units: 8, inputShape: [8], name: 'own' })] }),
      ),
    'inner/own is of the class Doubled',
  ],
  [
    'one under TimeDistributed',
    () =>
      modelOf(
        [3, 8],
        tf.layers.timeDistributed({ name: 'each', layer: new Doubled({ units: 8, name: 'own' }) }),
      ),
    'each/own is of the class Doubled',
  ],
  [
    'a wrapper of one’s own',
    () => modelOf([3, 8], new Wrapper({ layer: dense({ units: 8 }), name: 'wrapper' })),
    'wrapper is of the class Wrapper, and would be built anew as the TimeDistributed',
  ],
  [
    'a call() that was put on a layer',
    () =>
      modelOf(
        [8],
        changed(dense({ units: 8, name: 'own' }), (layer) => (layer.call = (x) => [x].flat()[0]!)),
      ),
    'own has a call() of its own, which no file holds',
  ],
  [
    'a predict() that was put on the model',
    () => changed(modelOf([8], plainDense()), (model) => (model.predict = (x) => x as tf.Tensor)),
    'whole has a predict() of its own',
  ],
  [
    'a class derived from LayersModel',
    () => {
      class OwnModel extends tf.LayersModel {}
      const { inputs, outputs } = modelOf([8], plainDense());
      return new OwnModel({ inputs, outputs, name: 'mine' });
    },
    'mine is of the class OwnModel, and would be built anew as the Model',
  ],
  [
    'a layer with a weight that was added from outside',
    () =>
      modelOf(
        [8],
        changed(dense({ units: 8, name: 'own', inputShape: [8] }), (layer) => {
          layer.build([null, 8]);
          const { addWeight } = layer as unknown as Record<'addWeight', (...args: unknown[]) => void>;
          addWeight.call(layer, 'gate', [8], 'float32', tf.initializers.ones());
        }),
      ),
    'own has 3 weights, a copy that is made of its configuration 2',
  ],
  [
    'a layer whose configuration forgets a field',
    () => modelOf([8], plainDense(), new Forgetful({ factor: 3, name: 'own' })),
    'own has 3 in its field factor, a copy that is made of its configuration 1: let its getConfig() hold it',
  ],
  [
    'a layer with an activation of another class',
    () =>
      modelOf(
        [8],
        changed(
          dense({ units: 8, name: 'own' }),
          (layer) => ((layer as unknown as { activation: Swish }).activation = new Swish()),
        ),
      ),
    'own has a linear in its field activation, a copy that is made of its configuration a linear',
  ],
])('%s', (_, make, message) => {
  it('is refused, and nothing is left behind', async () => {
    const model = make();
    const before = tf.memory().numTensors;
    await expect(compress(model, blocks)).rejects.toThrow(message);
    await expect(decompress(model)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    tensors += tf.memory().numTensors - tensors;
  });
});

it('a registered layer with a name of its own stays dense, and predicts the same', async () => {
  const model = modelOf(
    [8],
    new Registered({ units: 8, name: 'own' }) as tf.layers.Layer,
    plainDense(),
    new Mindful({ factor: 3 }),
  );
  const report = await compressionReport(model, blocks);
  expect(report.dense.map(({ reason }) => reason)).toEqual([
    'a RegisteredDoubled layer has no block-sparse form',
  ]);
  const small = await compress(model, blocks);
  const again = await loaded(await saved(small));
  tf.tidy(() => {
    const x = randomTensor([3, 8], 1);
    for (const copy of [small, again])
      expectClose(copy.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, 1e-5);
  });
  for (const each of [model, small, again]) each.dispose();
});

it('a class that takes the name of a layer of tfjs does not get its block-sparse form', async () => {
  class Impostor extends doubling(Dense) {
    static readonly className = 'Dense';
  }
  const stock = known['Dense']!;
  tf.serialization.registerClass(Impostor as never);
  try {
    const model = modelOf([8], new Impostor({ units: 8, name: 'own' }) as tf.layers.Layer);
    const small = await compress(model, blocks);
    tf.tidy(() => {
      const x = randomTensor([3, 8], 1);
      expectClose(small.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, 1e-5);
    });
    for (const each of [model, small]) each.dispose();
  } finally {
    known['Dense'] = stock;
  }
});

it('a model of which tfjs mixes up the calls when it is made anew is refused', async () => {
  const x = tf.input({ shape: [8] });
  const [odd, even, shared] = ['odd', 'even', 'shared'].map((name) => dense({ units: 8, name }));
  const turns = [odd!, even!, odd!, even!].reduce(
    (value, layer) => layer.apply(value) as tf.SymbolicTensor,
    x,
  );
  const outputs = [shared!.apply(turns), shared!.apply(x)] as tf.SymbolicTensor[];
  const model = tf.model({ inputs: x, outputs });
  await expect(compress(model, blocks)).rejects.toThrow(
    /calls its layers otherwise than the copy .* put a layer of its own in the place of each call/,
  );
  for (const weight of model.weights) weight.dispose();
});

describe('after the run', () => {
  const target = { sparsity: 0.75, blockShape: [4, 4] as [number, number], totalSteps: 2, minimumBlocks: 4 };

  async function finalised() {
    const model = tf.sequential({
      layers: [
        dense({ units: 16, inputShape: [16], activation: 'relu', name: 'first' }),
        dense({ units: 8, name: 'last' }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const [x, y] = [randomTensor([8, 16], 1), randomTensor([8, 8], 2)];
    const fit = () => model.fit(x, y, { epochs: 2, batchSize: 8, verbose: 0 });
    const prune = async (sparsity: number) => {
      const pruning = await sparsify(model, magnitude(), { ...target, sparsity });
      await model.fit(x, y, { epochs: 2, batchSize: 8, verbose: 0, callbacks: pruning.callback() });
      return pruning.finalize();
    };
    const dispose = () => {
      tf.dispose([x, y]);
      model.optimizer.dispose();
      model.dispose();
    };
    return { model, fit, prune, dispose };
  }

  it('a model that was trained on is refused with its report: which kernel, how many blocks, and the way out', async () => {
    const { model, fit, prune, dispose } = await finalised();
    const report = await prune(0.75);
    await fit();
    const message =
      /^first\/kernel is not what the report tells of: 12 of its 16 blocks were pruned, \d+ of them are not zero any more/;
    await expect(compress(model, report)).rejects.toThrow(message);
    await expect(compressionReport(model, report)).rejects.toThrow(message);
    await expect(compress(model, report)).rejects.toThrow(
      'compress before that, and train the compressed model; or sparsify() this one again; or compress(model, { blockShape: [4, 4] })',
    );
    const { compressed } = await compressionReport(model, { blockShape: [4, 4] });
    expect(compressed.every(({ keptBlocks, blocks }) => keptBlocks < blocks)).toBe(true);
    dispose();
  });

  it('a second round, from 0.5 to 0.75: the finalised model is pruned again, and compressed', async () => {
    const { model, prune, dispose } = await finalised();
    const first = await prune(0.5);
    const second = await prune(0.75);
    expect(first.pruned.map(({ keptBlocks }) => keptBlocks)).toEqual([8, 4]);
    expect(second.pruned.map(({ keptBlocks }) => keptBlocks)).toEqual([4, 2]);
    const small = await compress(model, second);
    // The first report still fits: what it tells of is zero.
    const { compressed } = await compressionReport(model, first);
    expect(compressed.map(({ keptBlocks }) => keptBlocks)).toEqual([4, 2]);
    expect(small.countParams()).toBe(4 * 16 + 16 + 2 * 16 + 8);
    small.dispose();
    dispose();
  });

  it('a second round of the compressed model: decompressed, pruned further, compressed', async () => {
    const { model, prune, dispose } = await finalised();
    const small = await compress(model, await prune(0.5));
    const further = { ...target, sparsity: 0.75 };
    await expect(sparsify(small, magnitude(), { ...further, optimizer: null })).rejects.toThrow(
      'its kernel is stored block-sparse: decompress() the model first',
    );
    const restored = await decompress(small);
    const x = randomTensor([3, 16], 3);
    tf.tidy(() => expectClose(restored.predict(x) as tf.Tensor, small.predict(x) as tf.Tensor, 1e-5));
    const pruning = await sparsify(restored, magnitude(), { ...further, optimizer: null });
    for (let step = 0; step < 2; step++) await pruning.step();
    const smaller = await compress(restored, await pruning.finalize());
    expect(smaller.countParams()).toBe(4 * 16 + 16 + 2 * 16 + 8);
    tf.tidy(() => expectClose(smaller.predict(x) as tf.Tensor, restored.predict(x) as tf.Tensor, 1e-5));
    x.dispose();
    for (const each of [small, restored, smaller]) each.dispose();
    dispose();
  });
});
