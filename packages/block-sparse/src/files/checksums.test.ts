/** What a saved model says of itself, and what is made of one that is damaged. */
import { crc32 } from 'node:zlib';

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { checked, compress, decompress, withoutChecksums } from '../index.js';
import { fillBlockSparse, loaded, saved, weightBits, type Saved } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

let tensors = 0;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

/** Rejects, and leaves no more than what tfjs had made of a model that it could not finish. */
async function expectRefused(loading: () => Promise<unknown>, message: string | RegExp): Promise<void> {
  const before = tf.memory().numTensors;
  await expect(loading()).rejects.toThrow(message);
  tensors += tf.memory().numTensors - before;
}

function plainModel(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 8, inputShape: [12], activation: 'relu', name: 'first' }),
      tf.layers.dense({ units: 4, name: 'last' }),
    ],
  });
  fillBlockSparse(model, [4, 4], 0.5);
  tf.tidy(() => model.layers[0]!.setWeights([model.layers[0]!.getWeights()[0]!, tf.ones([8])]));
  return model;
}

async function compressedFiles(): Promise<Saved> {
  const plain = plainModel();
  const small = await compress(plain, { blockShape: [4, 4] });
  const files = await saved(small);
  plain.dispose();
  small.dispose();
  return files;
}

interface Json {
  modelTopology: { config: { layers: { config: LayerConfig }[] } };
  weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
}
interface LayerConfig {
  [field: string]: unknown;
  block_sparse: { kernel: { indices: string; pointers: string } };
  checksum: string;
}

function edited(files: Saved, edit: (layer: LayerConfig, json: Json) => void): Saved {
  const json = JSON.parse(files.modelJson) as Json;
  edit(json.modelTopology.config.layers[0]!.config, json);
  return { ...files, modelJson: JSON.stringify(json) };
}

function withBit({ modelJson, weights }: Saved, bit: number): Saved {
  const copy = weights.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return { modelJson, weights: copy };
}

function fromMemory({ modelJson, weights }: Saved): tf.io.IOHandler {
  const { weightsManifest, ...rest } = JSON.parse(modelJson) as tf.io.ModelJSON;
  return tf.io.fromMemory({
    ...rest,
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: weights.slice().buffer,
  }) as tf.io.IOHandler;
}

describe('a compressed model in a file', () => {
  it.skipIf(crc32 === undefined)('has the CRC-32 of each weight, of layers that hold blocks', async () => {
    const files = await compressedFiles();
    const json = JSON.parse(files.modelJson) as Json;
    const configs = json.modelTopology.config.layers.map(({ config }) => config);
    let at = 0;
    const sums = json.weightsManifest[0]!.weights.map(({ shape }) => {
      const end = at + 4 * shape.reduce((a, b) => a * b, 1);
      const sum = crc32(files.weights.subarray(at, end)).toString(16).padStart(8, '0');
      at = end;
      return sum;
    });
    expect(configs.map(({ checksum }) => checksum.slice(8))).toEqual([
      sums.slice(0, 2).join(''),
      sums.slice(2).join(''),
    ]);
  });

  it('is refused for any bit of its weights, with the name of the layer and of the weight', async () => {
    const files = await compressedFiles();
    const json = JSON.parse(files.modelJson) as Json;
    const [kernel, bias] = json.weightsManifest[0]!.weights.map(
      ({ shape }) => 4 * shape.reduce((a, b) => a * b, 1),
    );
    for (let bit = 0; bit < 8 * (kernel! + bias!); bit += 7) {
      const name = bit < 8 * kernel! ? 'kernel' : 'bias';
      await expectRefused(
        () => loaded(withBit(files, bit)),
        `The layer first is given a ${name} other than what was saved`,
      );
    }
    await expectRefused(
      () => loaded(withBit(files, 8 * files.weights.length - 1)),
      'The layer last is given a bias other',
    );
  });

  it('is refused for any letter of its patterns that is another', async () => {
    const files = await compressedFiles();
    for (const field of ['indices', 'pointers'] as const) {
      const { length } = (JSON.parse(files.modelJson) as Json).modelTopology.config.layers[0]!.config
        .block_sparse.kernel[field];
      for (let at = 0; at < length; at++) {
        for (const digit of '0123') {
          const damaged = edited(files, ({ block_sparse: { kernel } }) => {
            kernel[field] = kernel[field].slice(0, at) + digit + kernel[field].slice(at + 1);
          });
          if (damaged.modelJson === files.modelJson) continue;
          await expectRefused(
            () => loaded(damaged),
            /The block pattern of first\/kernel is damaged|The layer first has a configuration other/,
          );
        }
      }
    }
  });

  it.each<[string, (layer: LayerConfig) => void, string]>([
    [
      'another activation',
      (layer) => (layer['activation'] = 'linear'),
      'first has a configuration other than the one that was saved',
    ],
    // It would take 4 GiB, and was 0 bytes in 32 bits.
    [
      'another size',
      (layer) => (layer['units'] = 2 ** 30),
      'first has a configuration other than the one that was saved',
    ],
    ['a field less', (layer) => delete layer['use_bias'], 'first has a configuration other'],
    [
      'no checksum',
      (layer) => delete (layer as Partial<LayerConfig>).checksum,
      'The layer first has no checksum, but undefined',
    ],
    [
      'half a checksum',
      (layer) => (layer.checksum = layer.checksum.slice(0, 13)),
      'The layer first has no checksum, but',
    ],
    [
      'a checksum of fewer weights',
      (layer) => (layer.checksum = layer.checksum.slice(0, 16)),
      'first has a configuration other',
    ],
    [
      'another digit in the checksum',
      (layer) => (layer.checksum = `${layer.checksum.slice(0, -1)}g`),
      'first has a configuration other',
    ],
  ])('is refused with %s, before anything is allocated', async (_, damage, message) => {
    const files = await compressedFiles();
    await expectRefused(() => loaded(edited(files, damage)), message);
  });

  it('takes any weights once it is loaded, and is saved as what it is then', async () => {
    const model = await loaded(await compressedFiles());
    const before = weightBits(model);
    tf.tidy(() => model.setWeights(model.getWeights().map((weight) => weight.add(1))));
    expect(weightBits(model)).not.toEqual(before);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const [x, y] = [tf.ones([4, 12]), tf.ones([4, 4])];
    await model.fit(x, y, { epochs: 2, verbose: 0 });
    const again = await loaded(await saved(model));
    expect(weightBits(again)).toEqual(weightBits(model));
    tf.dispose([x, y]);
    model.optimizer.dispose();
    model.dispose();
    again.dispose();
  });

  it('is cloned by its configuration and its weights; other weights are let in after those', async () => {
    const model = await loaded(await compressedFiles());
    const json = model.toJSON(null, false) as unknown as Parameters<typeof tf.models.modelFromJSON>[0];
    const clone = await tf.models.modelFromJSON(structuredClone(json));
    const others = tf.tidy(() => model.getWeights().map((weight) => tf.keep(weight.mul(2))));
    expect(() => clone.setWeights(others)).toThrow(
      'The layer first is given a kernel other than what was saved',
    );
    clone.setWeights(model.getWeights());
    expect(weightBits(clone)).toEqual(weightBits(model));
    clone.setWeights(others);
    expect(weightBits(clone)).not.toEqual(weightBits(model));
    tf.dispose(others);
    model.dispose();
    clone.dispose();
  });

  it('checks what is there of weights that are loaded in part', async () => {
    const files = await compressedFiles();
    const partial = edited(files, (_, json) => json.weightsManifest[0]!.weights.splice(2));
    partial.weights = files.weights.slice(
      0,
      4 *
        (JSON.parse(partial.modelJson) as Json).weightsManifest[0]!.weights.reduce(
          (sum, { shape }) => sum + shape[0]!,
          0,
        ),
    );
    const model = await tf.loadLayersModel(fromMemory(partial), { strict: false });
    model.dispose();
    await expectRefused(
      () => tf.loadLayersModel(fromMemory(withBit(partial, 3)), { strict: false }),
      'The layer first is given',
    );
  });

  it('whose weights were quantised is refused with the way out, and loaded by it', async () => {
    const files = await compressedFiles();
    const quantised = edited(files, (_, json) => {
      const floats = new Float32Array(files.weights.slice().buffer);
      for (const spec of json.weightsManifest[0]!.weights) {
        (spec as { quantization?: object }).quantization = {
          dtype: 'uint8',
          original_dtype: 'float32',
          min: -1,
          scale: 2 / 255,
        };
      }
      files.weights = Uint8Array.from(floats, (weight) => Math.round(((weight + 1) * 255) / 2));
    });
    quantised.weights = files.weights;
    await expectRefused(
      () => loaded(quantised),
      /other than what was saved: .* load it by withoutChecksums\(\)$/,
    );
    const model = await tf.loadLayersModel(withoutChecksums(fromMemory(quantised)));
    const again = await loaded(await saved(model));
    expect(weightBits(again)).toEqual(weightBits(model));
    for (const each of [model, again, await decompress(again)]) each.dispose();
  });
});

describe('a model of a few hundred bytes', () => {
  /** One layer of so many units, in one block or in none. */
  function tiny(units: number, kept: 0 | 1): tf.io.IOHandler {
    const kernel = {
      matrix_shape: [units, units],
      block_shape: [units, units],
      pointers: String(kept),
      indices: '0'.repeat(kept),
    };
    const config = {
      ...{ name: 'only', units, use_bias: false, batch_input_shape: [null, units] },
      ...{ block_sparse: { kernel }, checksum: 'none' },
    };
    const layers = [{ class_name: 'BlockSparseDense', config }];
    return tf.io.fromMemory({
      modelTopology: { class_name: 'Sequential', config: { layers } },
      weightSpecs: [{ name: 'only/kernel_values', shape: [0], dtype: 'float32' }],
      weightData: new ArrayBuffer(0),
    }) as tf.io.IOHandler;
  }

  it('whose kernel has the size 0 in 32 bits is refused: its gradient would overwrite its neighbours', async () => {
    await tf.setBackend('wasm');
    await expectRefused(
      () => tf.loadLayersModel(tiny(65536, 1)),
      'The block pattern of only/kernel is damaged: A 65536×65536 matrix has more than 1073741824 weights',
    );
    await tf.setBackend('cpu');
  });

  it('that asks for 4 GiB is refused where there is no room for it', async () => {
    await tf.setBackend('wasm');
    await expectRefused(
      () => tf.loadLayersModel(tiny(32768, 1)),
      'The tfjs wasm backend has no memory left for 4294967296 bytes',
    );
    await tf.setBackend('cpu');
  });

  it('that keeps no block loads', async () => {
    const model = await tf.loadLayersModel(tiny(32768, 0));
    expect(model.countParams()).toBe(0);
    model.dispose();
  });
});

describe('any model, saved and loaded by checked()', () => {
  /** What a folder holds after `model.save`: `model.json` and shards of a few bytes. */
  async function folderOf(model: tf.LayersModel): Promise<Map<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>();
    await model.save(
      checked(
        tf.io.withSaveHandler(async ({ weightData, weightSpecs, ...rest }) => {
          const bytes = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
          const paths: string[] = [];
          for (let at = 0; at < bytes.length; at += 100) {
            paths.push(`shard${paths.length}.bin`);
            files.set(paths.at(-1)!, bytes.slice(at, at + 100));
          }
          const json = { ...rest, weightsManifest: [{ paths, weights: weightSpecs }] };
          files.set('model.json', new TextEncoder().encode(JSON.stringify(json)));
          return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
        }),
      ),
    );
    return files;
  }

  /** As a browser fetches them. */
  function fetched(files: ReadonlyMap<string, Uint8Array>): tf.io.IOHandler {
    const fetchFunc = async (url: string) => new Response(files.get(url.split('/').at(-1)!)!.slice());
    return tf.io.http('http://here/model.json', { fetchFunc: fetchFunc as typeof fetch });
  }

  function withByte(
    files: ReadonlyMap<string, Uint8Array>,
    name: string,
    at: number,
  ): Map<string, Uint8Array> {
    const copy = new Map(files);
    const bytes = files.get(name)!.slice();
    bytes[at]! ^= 16;
    return copy.set(name, bytes);
  }

  it('is the same, what the user has put down of it too', async () => {
    const plain = plainModel();
    plain.setUserDefinedMetadata({ made: 'by hand' });
    const files = await folderOf(plain);
    expect(files.size).toBeGreaterThan(4);
    const again = await tf.loadLayersModel(checked(fetched(files)));
    expect(weightBits(again)).toEqual(weightBits(plain));
    expect(again.getUserDefinedMetadata()).toEqual({ made: 'by hand' });
    expect(plain.getUserDefinedMetadata()).toEqual({ made: 'by hand' });
    plain.setUserDefinedMetadata({});
    const bare = await tf.loadLayersModel(checked(fetched(await folderOf(plain))));
    expect(bare.getUserDefinedMetadata()).toBe(undefined);
    for (const model of [plain, again, bare]) model.dispose();
  });

  it('is refused for any byte of its weights, with the name of the weight', async () => {
    const plain = plainModel();
    const files = await folderOf(plain);
    plain.dispose();
    for (let at = 0; at < 100; at += 3) {
      await expectRefused(
        () => tf.loadLayersModel(checked(fetched(withByte(files, 'shard0.bin', at)))),
        'has a first/kernel other than',
      );
    }
    await expectRefused(
      () => tf.loadLayersModel(checked(fetched(withByte(files, [...files.keys()].at(-2)!, 3)))),
      'has a last/',
    );
  });

  it('is refused, or is the same, for any byte of its model.json', async () => {
    const plain = plainModel();
    const files = await folderOf(plain);
    const { length } = files.get('model.json')!;
    for (let at = 0; at < length; at += 5) {
      const model = await tf
        .loadLayersModel(checked(fetched(withByte(files, 'model.json', at))))
        .catch(() => null);
      if (!model) continue;
      expect(weightBits(model)).toEqual(weightBits(plain));
      expect(model.layers.map((layer) => layer.getConfig())).toEqual(
        plain.layers.map((layer) => layer.getConfig()),
      );
      model.dispose();
    }
    plain.dispose();
    // What tfjs cannot read at all it may have begun.
    tensors = tf.memory().numTensors;
  });

  it('is refused without checksums, or with those of other weights', async () => {
    const plain = plainModel();
    const files = await folderOf(plain);
    const bare = { modelJson: new TextDecoder().decode(files.get('model.json')), weights: new Uint8Array() };
    await expectRefused(
      () =>
        tf.loadLayersModel(
          checked(
            fromMemory(
              edited(
                bare,
                (_, json) => delete (json as { userDefinedMetadata?: object }).userDefinedMetadata,
              ),
            ),
          ),
        ),
      'The model’s file has no checksums'.replace('’', "'"),
    );
    await expectRefused(
      () => tf.loadLayersModel(checked(fromMemory(bare))),
      "The model's file ends within first/kernel",
    );
    plain.dispose();
  });

  it('says of what is no handler, or cannot save there, what it is', async () => {
    expect(() => checked(undefined as never)).toThrow(
      'checked() takes a handler of tfjs, with save() or load(), or a URL as text: it is given undefined',
    );
    expect(() => checked({} as never)).toThrow('it is given an empty object');
    expect(() => withoutChecksums(Promise.resolve() as never)).toThrow(
      'withoutChecksums() takes a handler of tfjs',
    );
    expect(() => withoutChecksums(tf.io.withSaveHandler(async () => ({}) as never))).toThrow(
      'has save() alone',
    );
    const plain = plainModel();
    await expect(plain.save(checked('nowhere://model'))).rejects.toThrow(
      "tfjs has nothing that saves to 'nowhere://model'",
    );
    plain.dispose();
  });
});
