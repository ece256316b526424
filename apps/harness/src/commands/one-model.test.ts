import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fileSystem } from '@espalier/block-sparse/node';
import { isUsageError } from '@espalier/experiment';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { compressCommand } from './compress.js';
import { inspect } from './inspect.js';
import { prune } from './prune.js';
import { shrinkCommand } from './shrink.js';

let root: string;
let model: string;
let table: string;
const target = {
  sparsity: 0.75,
  block: [8, 8] as [number, number],
  minimumBlocks: 8,
  backend: 'cpu' as const,
};
const training = { batch: 32, learningRate: 1e-2 };

/** Two classes, told by the sign of the first of 16 inputs; the others are noise. */
const rows = Array.from({ length: 400 }, (_, i) =>
  Array.from({ length: 16 }, (_, j) => Math.sin(1 + i * 12.9898 + j * 78.233) * 2),
);

beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'espalier-one-model-'));
  model = join(root, 'model');
  table = join(root, 'table.csv');
  const net = tf.sequential({
    layers: [
      tf.layers.dense({
        units: 32,
        inputShape: [16],
        activation: 'relu',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
      }),
      tf.layers.dense({
        units: 32,
        activation: 'relu',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
      }),
      tf.layers.dense({
        units: 2,
        activation: 'softmax',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
      }),
    ],
  });
  await net.save(fileSystem(model));
  const head = [...rows[0]!.map((_, j) => `x${j}`), 'kind'].join();
  const lines = rows.map((row) => [...row.map((x) => x.toFixed(5)), row[0]! > 0 ? 'up' : 'down'].join());
  await writeFile(table, [head, ...lines].join('\n'));
}, 60_000);
afterAll(() => rm(root, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function said(run: () => unknown): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => ((text += String(part)), true));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await run();
  return text;
}

async function refusal(run: () => unknown): Promise<string> {
  const error: unknown = await Promise.resolve(run()).catch((thrown: unknown) => thrown);
  expect(isUsageError(error)).toBe(true);
  return (error as Error).message;
}

describe('inspect', () => {
  it('tells what each kernel would keep, what stays dense and why, sizes and times, and changes nothing', async () => {
    const before = await readdir(root, { recursive: true });
    const text = await said(() => inspect.run(model, target));
    // A quarter of the 2 × 4 and the 4 × 4 blocks.
    expect(text).toMatch(/Dense1\/kernel +16×32 +8×8 +8 +0\.0% +2\n/);
    expect(text).toMatch(/Dense2\/kernel +32×32 +8×8 +16 +0\.0% +4\n/);
    expect(text).toMatch(/Dense3\/kernel \[32, 2\] stays dense: a block is larger than its 32×2 matrix/);
    expect(text).toMatch(/file, MB +\d.*\nprediction of 1, ms +\d.*\nprediction of 64, ms +\d/);
    expect(await readdir(root, { recursive: true })).toEqual(before);
  });

  it('refuses what cannot be inspected, in a line', async () => {
    expect(await refusal(() => inspect.run(join(root, 'nowhere'), target))).toMatch(
      /no model that can be read: .*ENOENT/,
    );
    expect(await refusal(() => inspect.run(model, { ...target, block: [64, 64] }))).toMatch(
      /Choose a smaller block shape/,
    );
    await writeFile(
      join(root, 'graph.json'),
      JSON.stringify({ format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] }),
    );
    expect(await refusal(() => inspect.run(join(root, 'graph.json'), target))).toMatch(
      /is a graph model, which has no layers to prune: convert the Keras model to the format tfjs_layers_model/,
    );
  });
});

describe('prune', () => {
  it('without examples prunes by magnitude, and writes a dense and a block-sparse model of the same outputs', async () => {
    const out = join(root, 'untrained');
    const text = await said(() => prune.run(model, { ...target, ...training, out }));
    expect(text).toMatch(/magnitude: 75\.0% of the blocks of 2 kernels are pruned/);
    expect(text).toMatch(/Nothing was trained/);
    await expectAlike(out, 1e-6);
  });

  it('with examples trains on, and tells the quality on those held out before and after', async () => {
    const out = join(root, 'trained');
    const options = {
      ...target,
      ...training,
      out,
      data: table,
      label: 'kind',
      fineTune: 8,
      quantize: 'uint8' as const,
    };
    const text = await said(() => prune.run(model, options));
    expect(text).toMatch(/sequential-attention-plus-plus: 75\.0% of the blocks/);
    const [before, after] = [...text.matchAll(/accuracy ([\d.]+)%/g)].map(([, percent]) => Number(percent));
    expect(text).toMatch(/80 examples held out:\nbefore: loss/);
    expect(before).toBeLessThan(75);
    expect(after).toBeGreaterThan(85);
    await expectAlike(out, 0.1);
  }, 120_000);

  it('with examples and no training prunes by what comes to the layers, where the strategy does', async () => {
    const out = join(root, 'calibrated');
    const options = { ...target, ...training, out, data: table, label: 'kind', pruner: 'wanda' };
    const text = await said(() => prune.run(model, options));
    expect(text).toMatch(/wanda: 75\.0% of the blocks of 2 kernels are pruned/);
    await expectAlike(out, 1e-6);
  });

  it('refuses options that do not go together, and tables that are not the model’s', async () => {
    const given = { ...target, ...training, out: join(root, 'never') };
    const refused = (more: object) => refusal(() => prune.run(model, { ...given, ...more }));
    expect(await refused({ fineTune: 2 })).toBe('--fine-tune wants examples: --data <file.csv>');
    expect(await refused({ data: table })).toMatch(/either --label or --target/);
    expect(await refused({ data: table, label: 'x', target: 'y' })).toMatch(/either --label or --target/);
    expect(await refused({ data: table, label: 'sort' })).toMatch(/has no column 'sort': it has x0/);
    expect(await refused({ data: table, label: 'x3' })).toMatch(
      /'up' in the column 'kind', which is no number/,
    );
    expect(await refused({ data: join(root, 'none.csv'), label: 'kind' })).toMatch(/cannot be read/);
    expect(await refused({ pruner: 'wanda' })).toBe(
      'wanda scores by what comes to the layers: give it examples, --data <file.csv>',
    );
    expect(await refused({ pruner: 'magnitud' })).toMatch(/did you mean 'magnitude'/);
    const narrow = join(root, 'narrow.csv');
    await writeFile(narrow, 'x0,kind\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1');
    expect(await refused({ data: narrow, label: 'kind' })).toBe(
      'The table has 1 columns of inputs, and the model takes [16]',
    );
    expect(await readdir(root)).not.toContain('never');
  });

  async function expectAlike(out: string, tolerance: number): Promise<void> {
    const [dense, small] = [
      await tf.loadLayersModel(fileSystem(join(out, 'dense'))),
      await tf.loadLayersModel(fileSystem(join(out, 'block-sparse'))),
    ];
    expect(small.layers.map((layer) => layer.getClassName())).toEqual([
      'BlockSparseDense',
      'BlockSparseDense',
      'Dense',
    ]);
    const x = tf.tensor2d(rows.slice(0, 20));
    const change = tf.tidy(() =>
      (dense.predict(x) as tf.Tensor)
        .sub(small.predict(x) as tf.Tensor)
        .abs()
        .max()
        .dataSync(),
    );
    expect(change[0]).toBeLessThan(tolerance);
    tf.dispose(x);
    for (const each of [dense, small]) each.dispose();
  }
});

describe('compress', () => {
  it('writes the kept blocks alone, and tells how far outputs are', async () => {
    await said(() => prune.run(model, { ...target, ...training, out: join(root, 'pruned') }));
    const out = join(root, 'small');
    const text = await said(() =>
      compressCommand.run(join(root, 'pruned/dense'), { out, backend: 'cpu', block: [8, 8] }),
    );
    expect(text).toMatch(/Dense2\/kernel +32×32 +8×8 +4 of 16 +75\.0%/);
    expect(text).toMatch(/Outputs of 32 random inputs differ by \S+ at most/);
    const written = await tf.loadLayersModel(fileSystem(out));
    expect(written.countParams()).toBe((2 + 4) * 64 + 32 + 32 + 32 * 2 + 2);
    written.dispose();
  });

  it('takes a graph that was pruned where it was made', async () => {
    const graph = join(root, 'graph');
    // Two of the four 4 × 4 blocks are zero.
    const weights = Float32Array.from(
      { length: 64 },
      (_, i) => ((i >> 5) + ((i >> 2) & 1)) % 2 && 1 + i / 64,
    );
    const type = { type: 'DT_FLOAT' };
    const dims = [8, 8].map((size) => ({ size: String(size) }));
    await fileSystem(graph).save!({
      format: 'graph-model',
      modelTopology: {
        node: [
          { name: 'x', op: 'Placeholder', attr: { dtype: type, shape: { shape: { dim: [{ size: '-1' }, { size: '8' }] } } } }, // prettier-ignore
          { name: 'w', op: 'Const', attr: { dtype: type, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: dims } } } } }, // prettier-ignore
          { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: { T: type, transpose_a: { b: false }, transpose_b: { b: false } } }, // prettier-ignore
        ],
        library: {},
        versions: {},
      },
      weightSpecs: [{ name: 'w', shape: [8, 8], dtype: 'float32' }],
      weightData: weights.buffer,
    });
    const out = join(root, 'small-graph');
    const options = { out, backend: 'cpu' as const, block: [4, 4] as [number, number] };
    const text = await said(() => compressCommand.run(graph, options));
    expect(text).toMatch(/^w +8×8 +4×4 +2 of 4 +50\.0%/m);
    expect(text).toMatch(/Outputs of 32 random inputs differ by \S+ at most/);
    expect(text).toMatch(/prediction of 64, ms +\d\S* +\d/);
    expect(text).toContain('is for tf.loadGraphModel');
    const written = await tf.loadGraphModel(fileSystem(out));
    const x = tf.ones([1, 8]);
    const sums = Array.from({ length: 8 }, (_, j) =>
      weights.filter((_w, i) => i % 8 === j).reduce((sum, weight) => sum + weight, 0),
    );
    const [sum] = tf.tidy(() => (written.predict(x) as tf.Tensor2D).arraySync());
    sum!.forEach((value, j) => expect(value).toBeCloseTo(sums[j]!, 5));
    tf.dispose(x);
    written.dispose();
    expect(await refusal(() => compressCommand.run(graph, { ...options, quantize: 'uint8' }))).toMatch(
      /is a graph model, whose numbers keep the bits that the converter gave them: leave --quantize out/,
    );
  });

  it('of a model without zeros says what makes them', async () => {
    expect(
      await refusal(() => compressCommand.run(model, { out: join(root, 'never'), backend: 'cpu' })),
    ).toMatch(/has no kernel to compress .*: espalier prune makes blocks of zeros/);
  });
});

describe('shrink', () => {
  it('writes a plain model without the units that are zero, of the same outputs, and tells what it took', async () => {
    const out = join(root, 'columns');
    await said(() => prune.run(model, { ...target, block: [16, 1], ...training, out }));
    const small = join(root, 'shrunk');
    const text = await said(() => shrinkCommand.run(join(out, 'dense'), { out: small, backend: 'cpu' }));
    // 8 of 32 units of the first layer, which has 16 inputs; 16 of the 64 half columns of the second.
    expect(text).toMatch(/Dense1 +32 +8 +544 +136\n/);
    expect(text).toMatch(/multiply-adds of an example +1600 +\d+\n/);
    expect(text).toMatch(/Outputs of 32 random inputs differ by \S+ at most/);
    const [before, after] = await Promise.all(
      [join(out, 'dense'), small].map((path) => tf.loadLayersModel(fileSystem(path))),
    );
    const x = tf.randomNormal([8, 16], 0, 1, 'float32', 1);
    const change = tf.tidy(() => {
      const [own, other] = [before!, after!].map((each) => each.predict(x) as tf.Tensor);
      return own!.sub(other!).abs().max().dataSync()[0]!;
    });
    expect(change).toBeLessThan(1e-6);
    expect(after!.layers.map((layer) => layer.getClassName())).toEqual(['Dense', 'Dense', 'Dense']);
  });

  it('refuses a model of which nothing can go, and writes nothing', async () => {
    const out = join(root, 'not-shrunk');
    expect(await refusal(() => shrinkCommand.run(model, { out, backend: 'cpu' }))).toMatch(
      /has no unit or channel that can go \(no row or column of a kernel is zero\): espalier prune with blocks/,
    );
    expect(await readdir(root)).not.toContain('not-shrunk');
  });
});
