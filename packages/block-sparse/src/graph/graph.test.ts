/** Graph models: one that TensorFlow's converter made (`fixtures/make.py`), and small ones by hand. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { checked, compress, compressGraphModel, graphCompressionReport } from '../index.js';
import { fileSystem } from '../node.js';
import { expectClose, randomTensor, randomValues } from '../test-support.js';
import { plannedConstants } from './plan.js';
import type { Attribute, GraphNode, Topology } from './topology.js';

let tensors = 0;
beforeAll(() => tf.setBackend('cpu'));
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

const artifactsOf = async (model: tf.GraphModel) => {
  let artifacts!: tf.io.ModelArtifacts;
  await model.save(
    tf.io.withSaveHandler(async (own) => {
      artifacts = own;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  return artifacts;
};
const opsOf = async (model: tf.GraphModel) =>
  ((await artifactsOf(model)).modelTopology as { node: GraphNode[] }).node
    .map(({ op }) => op)
    .filter((op) => op.startsWith('BlockSparse'))
    .sort();

describe('a model that TensorFlow’s converter made', () => {
  const fixture = fileSystem(join(import.meta.dirname, 'fixtures'));
  const expected = readFile(join(import.meta.dirname, 'fixtures/expected.json'), 'utf8').then(
    (text) => JSON.parse(text) as { images: number[]; words: number[][]; scores: number[][] },
  );
  const scores = async (model: tf.GraphModel) => {
    const { images, words } = await expected;
    const inputs = { images: tf.tensor4d(images, [3, 8, 8, 4]), words: tf.tensor2d(words, [3, 3], 'int32') };
    const y = model.predict(inputs) as tf.Tensor | tf.NamedTensorMap;
    const result = y instanceof tf.Tensor ? y : Object.values(y)[0]!;
    const own = await result.data();
    tf.dispose([inputs, result]);
    return tf.tensor1d(own);
  };
  const expectScores = async (model: tf.GraphModel) => {
    const [own, theirs] = [await scores(model), tf.tensor1d((await expected).scores.flat())];
    expectClose(own, theirs, 1e-5);
    tf.dispose([own, theirs]);
  };

  it.each(['cpu', 'wasm'])(
    'computes what TensorFlow computed, compressed, saved and loaded, on %s',
    async (backend) => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      const model = await tf.loadGraphModel(fixture);
      // tfjs' own product on wasm takes no bias of two axes, which is what the converter fused here.
      if (backend === 'cpu') await expectScores(model);
      const { compressed, dense } = await graphCompressionReport(model, { blockShape: [4, 4] });
      expect(compressed.map(({ matrixShape }) => matrixShape.join('×')).sort()).toEqual(
        ['36×8', '8×8', '128×16', '16×12', '20×12'].sort(),
      );
      expect(dense).toEqual([
        { name: expect.any(String), shape: [2, 2, 8, 1], reason: expect.stringMatching(/a DepthwiseConv2dNative, which has no block-sparse form$/) }, // prettier-ignore
      ]);
      const small = await compressGraphModel(model, { blockShape: [4, 4] });
      model.dispose();
      expect(await opsOf(small)).toEqual([
        'BlockSparseConv2D',
        'BlockSparseConv2D',
        'BlockSparseGather',
        'BlockSparseMatMul',
        'BlockSparseMatMul',
      ]);
      await expectScores(small);
      const { weightData } = await artifactsOf(small);
      const kept = compressed.reduce((sum, { weights, keptWeights }) => sum + weights - keptWeights, 0);
      expect((weightData as ArrayBuffer).byteLength).toBe(11600 - 4 * kept);
      const folder = await mkdtemp(join(tmpdir(), 'espalier-graph-'));
      await small.save(checked(fileSystem(folder)));
      small.dispose();
      const again = await tf.loadGraphModel(checked(fileSystem(folder)));
      await rm(folder, { recursive: true });
      await expectScores(again);
      // The kept values and nothing else lies there from one prediction to the next.
      const tensorsThen = tf.memory().numTensors;
      await expectScores(again);
      expect(tf.memory().numTensors).toBe(tensorsThen);
      const twice = await compressGraphModel(again, { blockShape: [4, 4] });
      expect(await artifactsOf(twice)).toMatchObject({ weightSpecs: (await artifactsOf(again)).weightSpecs });
      twice.dispose();
      again.dispose();
      expect(tf.memory().numTensors).toBe(before);
      await tf.setBackend('cpu');
    },
  );

  it('keeps the bits that the converter rounded to', async () => {
    const artifacts = await fixture.load!();
    const bytes = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
    // As the converter's uint8: one range a weight, zero among its numbers.
    const parts: Uint8Array[] = [];
    let at = 0;
    const weightSpecs = artifacts.weightSpecs!.map((spec) => {
      const length = 4 * tf.util.sizeFromShape(spec.shape);
      const own = bytes.slice(at, (at += length));
      if (spec.shape.length < 2) {
        parts.push(own);
        return spec;
      }
      const scale = 1 / 32;
      parts.push(Uint8Array.from(new Float32Array(own.buffer), (value) => Math.min(255, Math.max(0, Math.round(value / scale) + 128)))); // prettier-ignore
      return { ...spec, quantization: { dtype: 'uint8' as const, min: -128 * scale, scale } };
    });
    const weightData = await new Blob(parts as BlobPart[]).arrayBuffer();
    const model = await tf.loadGraphModel(tf.io.fromMemory({ ...artifacts, weightSpecs, weightData }));
    const small = await compressGraphModel(model);
    const own = await artifactsOf(small);
    expect(own.weightSpecs!.map(({ quantization }) => quantization?.dtype)).toEqual(
      weightSpecs.map((spec) => ('quantization' in spec ? spec.quantization?.dtype : undefined)),
    );
    expect((own.weightData as ArrayBuffer).byteLength).toBeLessThan(weightData.byteLength / 2);
    const [before, after] = [await scores(model), await scores(small)];
    expectClose(after, before, 1e-5);
    tf.dispose([before, after]);
    model.dispose();
    small.dispose();
  });

  it('comes as a stream too', async () => {
    const artifacts = await fixture.load!();
    const bytes = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
    const { weightData: _, ...rest } = artifacts;
    const getWeightStream = () =>
      new Blob([bytes as BlobPart]).stream() as unknown as ReadableStream<ArrayBuffer>;
    const streamed = await tf.loadGraphModel({ load: async () => ({ ...rest, getWeightStream }) });
    const small = await compressGraphModel(streamed, { blockShape: [4, 4] });
    await expectScores(small);
    streamed.dispose();
    small.dispose();
  });
});

interface Constant {
  readonly shape: number[];
  readonly values: Float32Array;
  readonly dtype?: 'float32' | 'int32';
}

/** A kernel `[…, m]` in whose matrix every other block of 4 × 4 is zero. */
function kernel(...shape: number[]): Constant {
  const values = randomValues(tf.util.sizeFromShape(shape), shape.length);
  const m = shape.at(-1)!;
  values.forEach((_, at) => {
    if ((Math.floor(Math.floor(at / m) / 4) + Math.floor((at % m) / 4)) % 2) values[at] = 0;
  });
  return { shape, values };
}

const base64 = (text: string) => ({ s: btoa(text) });
const fused = (...names: string[]): Record<string, Attribute> => ({
  fused_ops: { list: { s: names.map((name) => btoa(name)) } },
  num_args: { i: names.length > 0 ? 1 : 0 },
});
const convolution = {
  strides: { list: { i: ['1', '1', '1', '1'] } },
  dilations: { list: { i: ['1', '1', '1', '1'] } },
  padding: base64('SAME'),
  data_format: base64('NHWC'),
};

/** A graph of constants by name, one input `x`, and these nodes. */
async function graph(
  constants: Record<string, Constant>,
  nodes: GraphNode[],
  edit = (own: tf.io.ModelArtifacts) => own,
) {
  const names = Object.keys(constants);
  const node: GraphNode[] = [
    { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' } } },
    ...names.map((name) => ({ name, op: 'Const', attr: { dtype: { type: 'DT_FLOAT' } } })),
    ...structuredClone(nodes),
  ];
  const parts = Object.values(constants).map(({ values, dtype }) =>
    dtype === 'int32' ? Int32Array.from(values) : values,
  );
  const artifacts: tf.io.ModelArtifacts = {
    modelTopology: { node, library: {}, versions: { producer: 440 } },
    weightSpecs: names.map((name) => ({
      name,
      shape: constants[name]!.shape,
      dtype: constants[name]!.dtype ?? 'float32',
    })),
    weightData: await new Blob(parts as BlobPart[]).arrayBuffer(),
  };
  return tf.loadGraphModel(tf.io.fromMemory(edit(artifacts)));
}

const images = () => randomTensor<tf.Tensor>([2, 5, 6, 8], 3);
const rows = () => randomTensor<tf.Tensor>([3, 8], 4);
const cubes = () => randomTensor<tf.Tensor>([2, 3, 8], 5);
const bias = (count: number): Constant => ({ shape: [count], values: randomValues(count, 7) });

it('is gone through once, however many ways of Identity lead to it', async () => {
  // i and j each pass on both of those before: 2^40 ways from the kernel to the last.
  const pairs = Array.from({ length: 40 }, (_, d) => {
    const input = d === 0 ? ['w', 'w'] : [`i${d - 1}`, `j${d - 1}`];
    return [`i${d}`, `j${d}`].map((name) => ({ name, op: 'Identity', input }));
  }).flat();
  const model = await graph({ w: kernel(8, 12) }, [
    ...pairs,
    { name: 'y', op: 'MatMul', input: ['x', 'i39'] },
    { name: 'z', op: 'Identity', input: ['y'] },
  ]);
  const planned = await plannedConstants(
    (await artifactsOf(model)).modelTopology as Topology,
    model.weights,
    new Set(['z']),
    [4, 4],
  );
  expect(planned).toMatchObject([
    { name: 'w', shape: [8, 12], plan: { readers: [{ node: { name: 'y' } }] } },
  ]);
  model.dispose();
});

describe('a node', () => {
  it.each<[string, Record<string, Constant>, GraphNode[], () => tf.Tensor]>([
    ['MatMul', { w: kernel(8, 12) }, [{ name: 'y', op: 'MatMul', input: ['x', 'w'] }], rows],
    [
      'MatMul of both transposed',
      { w: kernel(12, 8) },
      [
        {
          name: 'y',
          op: 'MatMul',
          input: ['x', 'w'],
          attr: { transpose_a: { b: true }, transpose_b: { b: true } },
        },
      ],
      () => randomTensor<tf.Tensor>([8, 3], 4),
    ],
    [
      'BatchMatMulV2 by a matrix',
      { w: kernel(8, 12) },
      [
        {
          name: 'y',
          op: 'BatchMatMulV2',
          input: ['x', 'w'],
          attr: { adj_x: { b: false }, adj_y: { b: false } },
        },
      ],
      cubes,
    ],
    [
      'MatMul through Identity, with one that it waits for',
      { w: kernel(8, 12) },
      [
        { name: 'w/read', op: 'Identity', input: ['w'] },
        { name: 'y', op: 'MatMul', input: ['x', 'w/read:0', '^w'] },
      ],
      rows,
    ],
    ...(['Relu', 'Relu6', 'Elu', 'Sigmoid', 'LeakyRelu'] as const).map(
      (activation): [string, Record<string, Constant>, GraphNode[], () => tf.Tensor] => [
        `_FusedMatMul with ${activation}`,
        { w: kernel(8, 12), b: bias(12) },
        [
          {
            ...{ name: 'y', op: '_FusedMatMul', input: ['x', 'w', 'b'] },
            attr: { ...fused('BiasAdd', activation), leakyrelu_alpha: { f: 0.3 } },
          },
        ],
        rows,
      ],
    ),
    [
      '_FusedConv2D with a bias',
      { w: kernel(3, 2, 8, 12), b: bias(12) },
      [
        {
          name: 'y',
          op: '_FusedConv2D',
          input: ['x', 'w', 'b'],
          attr: { ...convolution, ...fused('BiasAdd') },
        },
      ],
      images,
    ],
    [
      '_FusedConv2D with a PReLU',
      { w: kernel(1, 1, 8, 12), b: bias(12), a: bias(12) },
      [
        {
          ...{ name: 'y', op: '_FusedConv2D', input: ['x', 'w', 'b', 'a'] },
          attr: { ...convolution, ...fused('BiasAdd', 'Prelu'), num_args: { i: 2 } },
        },
      ],
      images,
    ],
    [
      'Conv2D with strides, and paddings of its own',
      { w: kernel(3, 3, 8, 12) },
      [
        {
          ...{ name: 'y', op: 'Conv2D', input: ['x', 'w'] },
          attr: {
            ...convolution,
            padding: base64('EXPLICIT'),
            explicit_paddings: { list: { i: [0, 0, 1, 2, 2, 0, 0, 0] } },
            strides: { list: { i: [1, 2, 1, 1] } },
          },
        },
      ],
      images,
    ],
    [
      'Conv2D with dilations, valid',
      { w: kernel(2, 2, 8, 12) },
      [
        {
          ...{ name: 'y', op: 'Conv2D', input: ['x', 'w'] },
          attr: { ...convolution, padding: base64('VALID'), dilations: { list: { i: [1, 2, 3, 1] } } },
        },
      ],
      images,
    ],
    [
      'two that read one kernel',
      { w: kernel(8, 8) },
      [
        { name: 'h', op: 'MatMul', input: ['x', 'w'] },
        { name: 'y', op: 'MatMul', input: ['h', 'w'] },
      ],
      rows,
    ],
  ])('%s computes the same by the kept blocks', async (_, constants, nodes, input) => {
    const model = await graph(constants, nodes);
    const { compressed, dense } = await graphCompressionReport(model, { blockShape: [4, 4] });
    expect(compressed.map(({ name }) => name)).toEqual(['w']);
    expect(dense).toEqual([]);
    const small = await compressGraphModel(model, { blockShape: [4, 4] });
    expect((await opsOf(small)).length).toBe(nodes.filter(({ op }) => /Mat|Conv/.test(op)).length);
    const x = input();
    const [expected, actual] = [model, small].map((each) => each.predict(x) as tf.Tensor);
    expectClose(actual!, expected!, 1e-5);
    tf.dispose([x, expected!, actual!]);
    model.dispose();
    small.dispose();
  });

  it.each<[string, Record<string, Constant>, GraphNode[], string]>([
    ['on the left', { w: kernel(12, 8) }, [{ name: 'y', op: 'MatMul', input: ['w', 'x'] }], 'is read by y, a MatMul, which multiplies by blocks where'], // prettier-ignore
    ['read by another op too', { w: kernel(8, 12) }, [{ name: 'y', op: 'MatMul', input: ['x', 'w'] }, { name: 'z', op: 'Neg', input: ['w'] }], 'is read by z, a Neg, which has no'], // prettier-ignore
    ['transposed and not', { w: kernel(8, 8) }, [{ name: 'h', op: 'MatMul', input: ['x', 'w'] }, { name: 'y', op: 'MatMul', input: ['h', 'w'], attr: { transpose_b: { b: true } } }], 'is multiplied by as it is, and transposed'], // prettier-ignore
    [
      'by itself',
      { w: kernel(8, 8) },
      [{ name: 'y', op: 'MatMul', input: ['w', 'w'] }],
      'is read twice by y',
    ],
    ['an output', { w: kernel(8, 8) }, [], 'is an output of the model'],
    ['channels first', { w: kernel(1, 1, 8, 8) }, [{ name: 'y', op: 'Conv2D', input: ['x', 'w'], attr: { ...convolution, data_format: base64('NCHW') } }], 'channels first (NCHW)'], // prettier-ignore
    ['fused with more', { w: kernel(8, 8), b: bias(8) }, [{ name: 'y', op: '_FusedMatMul', input: ['x', 'w', 'b'], attr: fused('BiasAdd', 'GeluExact') }], 'fused with biasadd, geluexact'], // prettier-ignore
    ['of whole numbers', { w: { ...kernel(8, 8), dtype: 'int32' } }, [{ name: 'y', op: 'MatMul', input: ['x', 'w'] }], 'is int32'], // prettier-ignore
    ['dense', { w: { shape: [8, 8], values: new Float32Array(64).fill(1) } }, [{ name: 'y', op: 'MatMul', input: ['x', 'w'] }], 'has no block of zeros'], // prettier-ignore
    ['small', { w: kernel(2, 2) }, [{ name: 'y', op: 'MatMul', input: ['x', 'w'] }], 'no block fits into its 2×2 matrix'], // prettier-ignore
  ])('whose kernel is %s stays dense, with the reason', async (_, constants, nodes, reason) => {
    const model = await graph(constants, nodes);
    const { compressed, dense } = await graphCompressionReport(model, { blockShape: [4, 4] });
    expect(compressed).toEqual([]);
    expect(dense[0]!.reason).toContain(reason);
    const same = await compressGraphModel(model, { blockShape: [4, 4] });
    expect((await artifactsOf(same)).weightSpecs).toEqual((await artifactsOf(model)).weightSpecs);
    model.dispose();
    same.dispose();
  });
});

const matMul: GraphNode[] = [{ name: 'y', op: 'MatMul', input: ['x', 'w'] }];
const said = async (run: () => unknown) => {
  try {
    await run();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
};

describe('what is no graph model to compress', () => {
  it.each<[string, (nodes: GraphNode[]) => void, string]>([
    ['a circle', (nodes) => nodes.push({ name: 'a', op: 'Neg', input: ['b'] }, { name: 'b', op: 'Neg', input: ['a'] }), "goes in a circle at 'a' (a string)"], // prettier-ignore
    ['a circle of what kernels pass through', (nodes) => nodes.push({ name: 'a', op: 'Identity', input: ['a', 'w'] }), "goes in a circle at 'a' (a string)"], // prettier-ignore
    ['a node that takes nothing that is there', (nodes) => (nodes.at(-1)!.input = ['x', 'v']), "has no node 'v' (a string), which y takes"], // prettier-ignore
    ['two nodes of one name', (nodes) => nodes.push({ name: 'x', op: 'Neg', input: ['x'] }), "has two nodes 'x' (a string)"], // prettier-ignore
    ['a node without a name', (nodes) => nodes.push({ op: 'Neg' } as never), 'has an object of op as a node'],
    ['inputs that are numbers', (nodes) => (nodes.at(-1)!.input = [3] as never), 'which has no name, op, or list of inputs'], // prettier-ignore
    ['a constant without weights', (nodes) => { nodes.push({ name: 'v', op: 'Const' }); nodes.at(-2)!.input![1] = 'v'; }, "has no weight for its constant 'v' (a string)"], // prettier-ignore
    ['text that is no base64', (nodes) => Object.assign(nodes.at(-1)!, { op: '_FusedMatMul', attr: { fused_ops: { list: { s: ['%'] } } } }), 'which is no base64'], // prettier-ignore
  ])('%s', async (_, edit, message) => {
    const model = await graph({ w: kernel(8, 12) }, matMul);
    edit(((await artifactsOf(model)).modelTopology as { node: GraphNode[] }).node);
    expect(await said(() => compressGraphModel(model))).toContain('RangeError: The graph model ');
    expect(await said(() => graphCompressionReport(model))).toContain(message);
    model.dispose();
  });

  it('loops of TensorFlow’s are no circle', async () => {
    const model = await graph({ w: kernel(8, 12) }, matMul);
    const { node } = (await artifactsOf(model)).modelTopology as { node: GraphNode[] };
    node.push(
      { name: 'merge', op: 'Merge', input: ['x', 'next'] },
      { name: 'next', op: 'NextIteration', input: ['merge'] },
    );
    expect((await graphCompressionReport(model, { blockShape: [4, 4] })).compressed.length).toBe(1);
    model.dispose();
  });

  it('weights that are cut, other arguments', async () => {
    const model = await graph({ w: kernel(8, 12) }, matMul);
    const artifacts = await artifactsOf(model);
    artifacts.weightData = (artifacts.weightData as ArrayBuffer).slice(0, 100);
    expect(await said(() => compressGraphModel(model))).toContain("The model's file ends within w");
    expect(await said(() => compressGraphModel(model, { block: [4, 4] } as never))).toContain(
      "no option 'block'",
    );
    expect(await said(() => compressGraphModel(model, { blockShape: [0, 4] }))).toContain('RangeError');
    model.dispose();
    const layers = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    expect(await said(() => compressGraphModel(layers as never))).toBe(
      'TypeError: compressGraphModel() takes a tf.GraphModel, it is given a tf.LayersModel: compress() takes that',
    );
    layers.dispose();
    const empty = new tf.GraphModel(tf.io.fromMemory({ modelTopology: {} }));
    expect(await said(() => compressGraphModel(empty))).toContain('is not loaded, or has no weights');
    expect(await said(() => compress(empty as never))).toContain('compressGraphModel() compresses one');
  });
});

describe('a compressed graph whose file is damaged', () => {
  const small = async (edit: (attr: Record<string, Attribute>, artifacts: tf.io.ModelArtifacts) => void) => {
    const model = await graph({ w: kernel(8, 12) }, matMul);
    const own = await compressGraphModel(model, { blockShape: [4, 4] });
    const artifacts = structuredClone(await artifactsOf(own));
    model.dispose();
    own.dispose();
    edit((artifacts.modelTopology as { node: GraphNode[] }).node.at(-1)!.attr!, artifacts);
    return tf.loadGraphModel(tf.io.fromMemory(artifacts));
  };
  it.each<[string, Parameters<typeof small>[0], string]>([
    [
      'has no pattern',
      (attr) => delete attr['pointers'],
      'The block pattern of y is damaged: its pointers are missing',
    ],
    ['keeps a block outside', (attr) => (attr['indices'] = base64('5')), 'The block pattern of y is damaged'],
    [
      'has letters that are no digits',
      (attr) => (attr['pointers'] = base64('z')),
      "'z' in its pointers is no digit",
    ],
    [
      'is of a matrix beyond memory',
      (attr) => (attr['matrix_shape'] = { list: { i: [8, 2 ** 40] } }),
      'RangeError',
    ],
    ['is of a matrix of other rows', (attr) => (attr['matrix_shape'] = { list: { i: [7, 12] } }), 'y multiplies rows of 7 numbers'], // prettier-ignore
    ['has blocks of nothing', (attr) => (attr['block_shape'] = { list: { i: [0, 4] } }), 'not two whole numbers of at least 1'], // prettier-ignore
    ['has fewer values', (_, own) => Object.assign(own, { weightData: (own.weightData as ArrayBuffer).slice(4), weightSpecs: [{ ...own.weightSpecs![0]!, shape: [47] }] }), 'values'], // prettier-ignore
    ['has an activation that there is not', (attr) => Object.assign(attr, fused('BiasAdd', 'toString')), 'is not known'], // prettier-ignore
  ])('%s is refused when it is computed', async (_, edit, message) => {
    const model = await small(edit);
    const x = rows();
    expect(await said(() => model.predict(x))).toContain(message);
    x.dispose();
    model.dispose();
  });
});
