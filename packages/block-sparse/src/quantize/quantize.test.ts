import { patternOf, blockGrid } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { compress, compressionReport, decompress, quantizationReport, saveQuantized } from '../index.js';
import { expectClose, fillBlockSparse, randomTensor, weightBits } from '../test-support.js';
import { encode, encodeByBlock } from './encode.js';
import type { HowToQuantize } from './plan.js';

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

/** A pruned network and an LSTM, so that kernels of layers and of cells are among its weights. */
function plainModel(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.lstm({
        name: 'recurrent',
        units: 8,
        inputShape: [5, 8],
        recurrentInitializer: 'glorotNormal',
      }),
      tf.layers.dense({ name: 'hidden', units: 20, activation: 'relu' }),
      tf.layers.dense({ name: 'out', units: 3 }),
    ],
  });
  fillBlockSparse(model, [4, 4], 0.6);
  return model;
}

async function compressed(): Promise<tf.LayersModel> {
  const plain = plainModel();
  const small = await compress(plain, { blockShape: [4, 4] });
  plain.dispose();
  return small;
}

async function artifactsOf(
  model: tf.LayersModel,
  quantize: HowToQuantize,
): Promise<tf.io.ModelArtifacts & { weightData: ArrayBuffer }> {
  let given!: tf.io.ModelArtifacts;
  const handler = tf.io.withSaveHandler(async (artifacts) => {
    given = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await saveQuantized(model, handler, { quantize });
  // What a file holds is text and bytes.
  const { weightData, ...rest } = given;
  return { ...(JSON.parse(JSON.stringify(rest)) as object), weightData: weightData as ArrayBuffer };
}

const load = (artifacts: tf.io.ModelArtifacts) => tf.loadLayersModel(tf.io.fromMemory(artifacts));

describe('encode', () => {
  it('has zero among its numbers, and the ends within half a step', () => {
    // From −1 to 3 in 255 steps of 4/255: zero is the 64th, as 255/4 is 63.75.
    const { bytes, quantization } = encode(Float32Array.of(-1, 0, 0.5, 3), 'uint8', 'w');
    expect([...bytes]).toEqual([0, 64, 96, 255]);
    expect(quantization).toEqual({ dtype: 'uint8', scale: 4 / 255, min: -64 * (4 / 255) });
    const sixteen = encode(Float32Array.of(0, 65535), 'uint16', 'w');
    expect(sixteen).toEqual({
      bytes: Uint8Array.of(0, 0, 255, 255),
      quantization: { dtype: 'uint16', min: 0, scale: 1 },
    });
    const zeros = encode(new Float32Array(3), 'uint8', 'w');
    expect(zeros).toEqual({ bytes: new Uint8Array(3), quantization: { dtype: 'uint8', min: 0, scale: 1 } });
  });

  it('is IEEE 754’s binary16: every number of that is itself, what lies between goes to the nearest, ties to even', () => {
    const codes = Uint16Array.from({ length: 0x7c00 }, (_, code) => code);
    const spec = { name: 'w', shape: [codes.length], dtype: 'float32' as const };
    const { w } = tf.io.decodeWeights(codes.slice().buffer, [
      { ...spec, quantization: { dtype: 'float16' } },
    ]);
    const halves = w!.dataSync<'float32'>();
    const coded = (values: ArrayLike<number>) =>
      new Uint16Array(encode(Float32Array.from(values), 'float16', 'w').bytes.buffer);
    expect(coded(halves)).toEqual(codes);
    expect(coded(halves.map((value) => -value))).toEqual(codes.map((code) => code | 0x8000));
    const between = Array.from({ length: halves.length - 1 }, (_, i) => (halves[i]! + halves[i + 1]!) / 2);
    expect(coded(between)).toEqual(Uint16Array.from(between, (_, i) => i + (i % 2)));
    expect(coded(between.map((value) => value * (1 + 2 ** -20)))).toEqual(codes.subarray(1));
    w!.dispose();
  });

  it('gives each block a range of its own', () => {
    // Blocks of two, in a row: the second is a thousand times larger.
    const pattern = patternOf(blockGrid([1, 6], [1, 2]), Uint8Array.of(1, 0, 1));
    const { bytes, scales, quantization } = encodeByBlock(
      Float32Array.of(0.127, -0.0635, 127, 0),
      pattern,
      'w',
    );
    expect(quantization).toEqual({ dtype: 'uint8', min: -1, scale: 1 / 128 });
    expect([...scales]).toEqual([Math.fround(0.128), 128]);
    // 0.127 is 127/128 of 0.128; half of it lies between 63 and 64.
    expect([bytes[0], bytes[2], bytes[3]]).toEqual([255, 255, 128]);
    expect([64, 65]).toContain(bytes[1]);
  });

  it('refuses what it cannot hold, with the name and the value', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const precision of ['float16', 'uint16', 'uint8'] as const) {
        expect(() => encode(Float32Array.of(1, value), precision, 'hidden/kernel')).toThrow(
          `hidden/kernel holds ${value}: a weight that is not finite cannot be quantized`,
        );
      }
    }
    expect(() => encode(Float32Array.of(65519.99), 'float16', 'w')).not.toThrow();
    expect(() => encode(Float32Array.of(-65520), 'float16', 'w')).toThrow(
      'w holds -65520, beyond the ±65504 of float16: store it as uint16',
    );
  });
});

describe.each(['float16', 'uint16', 'uint8', 'uint8-block'] as const)('a model in %s', (quantize) => {
  // Of a range from −1 to 1: half a step, and for floats half of the last of ten bits below 1.
  const worst = { float16: 2 ** -12, uint16: 1 / 65535, uint8: 1 / 255, 'uint8-block': 0.5 / 127 }[quantize];
  const bytes = { float16: 2, uint16: 2, uint8: 1, 'uint8-block': 1 }[quantize];

  it('is read by the stock loader, with kernels within half a step and all else to the bit', async () => {
    const small = await compressed();
    const artifacts = await artifactsOf(small, quantize);
    const again = await load(artifacts);
    const bits = (model: tf.LayersModel) =>
      new Map(model.weights.map((weight) => [weight.originalName, weight.read().dataSync() as Float32Array]));
    const [before, after] = [bits(small), bits(again)];
    let stored = 0;
    for (const [name, values] of before) {
      const isKernel = /kernel/.test(name);
      stored += values.length * (isKernel ? bytes : 4);
      const given = after.get(name)!;
      if (!isKernel) expect(given).toEqual(values);
      else
        values.forEach((value, i) => expect(Math.abs(given[i]! - value)).toBeLessThanOrEqual(worst * 1.001));
      if (isKernel) expect(given).not.toEqual(values);
    }
    const scales = [...after].filter(([name]) => name.includes('scales'));
    expect(scales.length).toBe(quantize === 'uint8-block' ? 3 : 0);
    for (const [, values] of scales) expect(values.every((value) => value === 1)).toBe(true);
    stored += 4 * scales.reduce((sum, [, values]) => sum + values.length, 0);
    expect(artifacts.weightData.byteLength).toBe(stored);
    tf.tidy(() => {
      const x = randomTensor<tf.Tensor3D>([3, 5, 8], 9);
      expectClose(again.predict(x) as tf.Tensor, small.predict(x) as tf.Tensor, 40 * worst);
    });
    for (const model of [small, again]) model.dispose();
  });

  it('saved again, whole or in the same bits, and decompressed, is what was loaded', async () => {
    const small = await compressed();
    const first = await load(await artifactsOf(small, quantize));
    const [whole, rounded] = [
      await load(await artifactsOf(first, 'float32')),
      await load(await artifactsOf(first, quantize)),
    ];
    const plain = await decompress(first);
    const x = randomTensor<tf.Tensor3D>([3, 5, 8], 9);
    const outputs = [first, whole, rounded, plain].map((model) =>
      tf.tidy(() => [...(model.predict(x) as tf.Tensor).dataSync()]),
    );
    expect(outputs[1]).toEqual(outputs[0]);
    // Ranges are found anew, of what was rounded.
    outputs[2]!.forEach((value, i) => expect(value).toBeCloseTo(outputs[0]![i]!, 1));
    outputs[3]!.forEach((value, i) => expect(value).toBeCloseTo(outputs[0]![i]!, 5));
    expect(plain.weights.map(({ shape }) => shape)).toEqual([
      [8, 32],
      [8, 32],
      [32],
      [8, 20],
      [20],
      [20, 3],
      [3],
    ]);
    x.dispose();
    for (const model of [small, first, whole, rounded, plain]) model.dispose();
  });

  it('that is damaged is refused', async () => {
    const small = await compressed();
    const artifacts = await artifactsOf(small, quantize);
    new Uint8Array(artifacts.weightData)[0]! ^= 8;
    await expect(load(artifacts)).rejects.toThrow(
      'The layer recurrent is given a kernel other than what was saved',
    );
    small.dispose();
    // What tfjs has begun to build it does not take down.
    tensors = tf.memory().numTensors;
  });
});

describe('save', () => {
  const nowhere = tf.io.withSaveHandler(async () => ({
    modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' },
  }));

  it('of what compress made takes quantize, and leaves the model as it is', async () => {
    const plain = plainModel();
    const small = await compress(plain, { blockShape: [4, 4] });
    const before = weightBits(small);
    const sizes: number[] = [];
    const handler = tf.io.withSaveHandler(async ({ weightData }) => {
      sizes.push(tf.io.CompositeArrayBuffer.join(weightData).byteLength);
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    });
    await small.save(handler);
    await small.save(handler, { quantize: 'uint8' });
    expect(sizes[0]).toBe(4 * small.countParams());
    const biases = 32 + 20 + 3;
    expect(sizes[1]).toBe(small.countParams() - biases + 4 * biases);
    expect(weightBits(small)).toEqual(before);
    for (const model of [plain, small]) model.dispose();
  });

  it('gives both directions of a Bidirectional a range for each block', async () => {
    const layer = tf.layers.gru({ units: 4 }) as tf.RNN;
    const plain = tf.sequential({
      layers: [tf.layers.bidirectional({ name: 'both', layer, mergeMode: 'concat', inputShape: [5, 8] })],
    });
    fillBlockSparse(plain, [4, 4], 0.5);
    const small = await compress(plain, { blockShape: [4, 4] });
    const again = await load(await artifactsOf(small, 'uint8-block'));
    tf.tidy(() => {
      const x = randomTensor<tf.Tensor3D>([3, 5, 8], 9);
      expectClose(again.predict(x) as tf.Tensor, plain.predict(x) as tf.Tensor, 0.1);
    });
    const scales = again.weights.filter(({ originalName }) => originalName.includes('scales'));
    // Of recurrent kernels of three blocks, one has none of zeros.
    const { compressed } = await compressionReport(plain, { blockShape: [4, 4] });
    expect(compressed.map(({ name }) => name.split('/')[1])).toContain(`backward_${layer.name}`);
    expect(scales.length).toBe(compressed.length);
    for (const model of [plain, small, again]) model.dispose();
  });

  it('gives cells a range for each block', async () => {
    const cell = [tf.layers.gruCell({ units: 4 }), tf.layers.lstmCell({ units: 4 })];
    const plain = tf.sequential({ layers: [tf.layers.rnn({ cell, inputShape: [5, 8] })] });
    fillBlockSparse(plain, [4, 4], 0.5);
    const small = await compress(plain, { blockShape: [4, 4] });
    const again = await load(await artifactsOf(small, 'uint8-block'));
    tf.tidy(() => {
      const x = randomTensor<tf.Tensor3D>([3, 5, 8], 9);
      expectClose(again.predict(x) as tf.Tensor, plain.predict(x) as tf.Tensor, 0.1);
    });
    const scales = again.weights.filter(({ originalName }) => originalName.includes('scales'));
    const { compressed } = await compressionReport(plain, { blockShape: [4, 4] });
    expect(scales.length).toBe(compressed.length);
    expect(scales.length).toBeGreaterThan(2);
    for (const model of [plain, small, again]) model.dispose();
  });

  it('takes a precision for each kernel, by its name', async () => {
    const small = await compressed();
    const { weightSpecs } = await artifactsOf(small, {
      'hidden/kernel': 'uint8-block',
      'recurrent/recurrentKernel': 'float32',
      others: 'float16',
    });
    expect(weightSpecs!.map(({ name, quantization }) => [name, quantization?.dtype ?? 'float32'])).toEqual(
      [
        ['recurrent/kernel_values', 'float16'],
        ['recurrent/recurrent_kernel_values', 'float32'],
        ['recurrent/bias', 'float32'],
        ['hidden/kernel_values', 'uint8'],
        ['hidden/bias', 'float32'],
        ['out/kernel', 'float16'],
        ['out/bias', 'float32'],
        ['hidden/kernel_scales', 'float32'],
      ].sort((a, b) => order(a[0]!) - order(b[0]!)),
    );
    function order(name: string): number {
      return weightSpecs!.findIndex((spec) => spec.name === name);
    }
    small.dispose();
  });

  it('refuses what there is not, with the way out', async () => {
    const small = await compressed();
    const refuse = (quantize: unknown, message: string) =>
      expect(saveQuantized(small, nowhere, { quantize: quantize as HowToQuantize })).rejects.toThrow(message);
    await refuse(
      'uint4',
      "there is no precision 'uint4' (a string): choose float32, float16, uint16, uint8, uint8-block",
    );
    await refuse(
      { 'hiden/kernel': 'uint8' },
      'the model has no kernel hiden/kernel: is hidden/kernel meant?',
    );
    await refuse(['uint8'], 'takes a precision, or one by the name of each kernel, as quantize');
    await refuse(
      { 'out/kernel': 'uint8-block' },
      'out/kernel is stored whole, and has no blocks to give a range each',
    );
    await expect(saveQuantized(small, nowhere, { quantise: 'uint8' } as object)).rejects.toThrow(
      "has no option 'quantise': did you mean quantize?",
    );
    await expect(
      saveQuantized(small, nowhere, { quantize: 'uint8', includeOptimizer: true }),
    ).rejects.toThrow('holds no optimizer');
    await expect(saveQuantized(small, tf.io.fromMemory({}), {})).rejects.toThrow(
      'takes a handler that saves: this one has load() alone',
    );
    tf.tidy(() => {
      const [kernel] = small.layers[1]!.getWeights();
      small.layers[1]!.weights[0]!.write(tf.mul(kernel!, NaN));
    });
    await refuse('uint8', 'hidden/kernel holds NaN');
    small.dispose();
  });
});

describe('quantizationReport', () => {
  it('tells sizes, and how far weights and outputs move', async () => {
    const small = await compressed();
    const x = randomTensor<tf.Tensor3D>([4, 5, 8], 7);
    const report = await quantizationReport(small, 'uint8', x);
    const artifacts = await artifactsOf(small, 'uint8');
    const again = await load(artifacts);
    const [change, largest] = tf.tidy(() => {
      const [before, after] = [small, again].map((model) => model.predict(x) as tf.Tensor);
      return [before!.sub(after!).abs().max().dataSync()[0]!, before!.abs().max().dataSync()[0]!];
    });
    expect(report.worstOutputChange).toBeCloseTo(change!, 6);
    expect(report.worstOutputChange).toBeGreaterThan(0);
    expect(report.largestOutput).toBeCloseTo(largest!, 6);
    expect(report.bytes).toBe(artifacts.weightData.byteLength);
    expect(report.float32Bytes).toBe(4 * small.countParams());
    expect(report.kernels.map(({ name, weights }) => [name, weights])).toEqual([
      ['recurrent/kernel', small.weights[0]!.shape[0]],
      ['recurrent/recurrentKernel', small.weights[1]!.shape[0]],
      ['hidden/kernel', small.layers[1]!.weights[0]!.shape[0]],
      ['out/kernel', 60],
    ]);
    for (const { worstChange } of report.kernels) {
      expect(worstChange).toBeGreaterThan(0);
      expect(worstChange).toBeLessThanOrEqual((1 / 255) * 1.001);
    }
    const bare = await quantizationReport(small, 'uint8');
    expect([bare.worstOutputChange, bare.largestOutput]).toEqual([null, null]);
    await expect(quantizationReport(small, 'uint8', [1] as never)).rejects.toThrow('takes a tensor');
    x.dispose();
    for (const model of [small, again]) model.dispose();
  });
});
