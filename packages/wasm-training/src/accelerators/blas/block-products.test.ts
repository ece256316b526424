import {
  BlockPattern,
  blockGrid,
  blockSparseConv2d,
  blockSparseMatMul,
  blockSparseWeightGradient,
  checksum,
  gatherBlocks,
  memoryOf,
  patternOf,
  scatterBlocks,
  type WasmBackend,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { expectGradients, expectSameAsCpu, randomTensor, randomValues } from '../../test-support.js';
import { acceleratorsOf, attachAccelerators, type Accelerator } from '../accelerator.js';
import { describeAccelerator, findAccelerators, useAccelerators } from '../index.js';
import { blockGradientBy, divided, multiplyBlocksBy } from './block-products.js';
import { loadKoffi } from '../native/koffi.js';
import { open } from './library.js';
import { productsOn } from './products.js';

const report = (await findAccelerators('auto')).find(({ name }) => name === 'blas')!;
const { library } = report;
const withLibrary = describe.skipIf(library === null);
if (!library) console.warn(`Block-sparse products of a BLAS are not tested: ${describeAccelerator(report)}`);

const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;
let taken = 0;

/** Attaches the library for every block-sparse product, however small, and counts them. */
async function attachForAll(): Promise<void> {
  const koffi = await loadKoffi();
  if (typeof koffi === 'string') throw new Error(koffi);
  const opened = open(koffi, library!.path);
  opened.setThreads(1);
  const blas = productsOn(memoryOf(backend()), opened);
  const all: Accelerator = {
    takesBlocks: () => true,
    multiplyBlocks: (product, ...more) => {
      taken += 1;
      multiplyBlocksBy(blas, backend(), product, divided(product, 1).atOnce, ...more);
      return true;
    },
    blockGradient: (product, operands) => {
      taken += 1;
      blockGradientBy(blas, backend(), product, divided(product, 1).atOnce, operands);
      return true;
    },
  };
  attachAccelerators(backend(), [all]);
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

afterAll(() => void useAccelerators('off'));

/** Of all blocks, none, one, and few to most of them. */
function patternKeeping(matrix: [number, number], block: [number, number], share: number, seed: number) {
  const grid = blockGrid(matrix, [Math.min(matrix[0], block[0]), Math.min(matrix[1], block[1])]);
  const random = randomValues(grid.blocks, seed);
  const mask = Uint8Array.from(random, (value) => Number(value < 2 * share - 1));
  if (share > 0 && !mask.includes(1)) mask[seed % grid.blocks] = 1;
  return patternOf(grid, mask);
}

const side = fc.constantFrom(1, 3, 4, 5, 8, 16, 20, 32);
const share = fc.constantFrom(0, 0.05, 0.1, 0.4, 0.8, 1);
const seed = fc.nat(1e6);

const bits = (y: tf.Tensor) => checksum(new Uint8Array(y.dataSync().slice().buffer));

interface Product {
  readonly x: tf.Tensor2D;
  readonly dy: tf.Tensor2D;
  readonly values: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

function operands(pattern: BlockPattern, rows: number, s: number): Product {
  const [n, m] = pattern.matrixShape;
  return {
    x: randomTensor([rows, n], s) as tf.Tensor2D,
    dy: randomTensor([rows, m], s + 1) as tf.Tensor2D,
    values: randomTensor([pattern.size], s + 2) as tf.Tensor1D,
    bias: randomTensor([m], s + 3) as tf.Tensor1D,
  };
}

/** By dense products of tfjs on cpu, which know nothing of blocks but where they lie. */
function denseProducts(pattern: BlockPattern, rows: number, s: number): tf.Tensor[] {
  const { x, dy, values, bias } = operands(pattern, rows, s);
  const weight = scatterBlocks(values, pattern);
  const product = tf.matMul(x, weight);
  return [
    product,
    tf.relu(product.add(bias)),
    tf.matMul(dy, weight, false, true),
    gatherBlocks(tf.matMul(x, dy, true), pattern),
  ];
}

function sparseProducts(pattern: BlockPattern, rows: number, s: number): tf.Tensor[] {
  const { x, dy, values, bias } = operands(pattern, rows, s);
  return [
    blockSparseMatMul(x, values, pattern),
    blockSparseMatMul(x, values, pattern, { bias, activation: 'relu' }),
    blockSparseMatMul(dy, values, pattern, { transposed: true }),
    blockSparseWeightGradient(x, dy, pattern),
  ];
}

withLibrary('block-sparse products by the library', () => {
  beforeAll(attachForAll);

  it('are the dense ones over the kept blocks: edges, empty columns, one row, none', async () => {
    taken = 0;
    const matrix = fc.tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }));
    const rows = fc.oneof(fc.constantFrom(0, 1, 2, 3, 64), fc.integer({ min: 1, max: 200 }));
    await fc.assert(
      fc.asyncProperty(
        matrix,
        fc.tuple(side, side),
        share,
        rows,
        seed,
        async (shape, block, kept, count, s) => {
          const pattern = patternKeeping(shape, block, kept, s);
          await expectSame(
            () => denseProducts(pattern, count, s),
            () => sparseProducts(pattern, count, s),
          );
        },
      ),
      { numRuns: 150 },
    );
    expect(taken).toBeGreaterThan(300);
  });

  it('are so in several chunks of rows', async () => {
    const pattern = patternKeeping([1100, 96], [32, 48], 0.9, 1);
    await expectSame(
      () => denseProducts(pattern, 333, 2),
      () => sparseProducts(pattern, 333, 2),
    );
  });

  it('are so in columns of equal rows of blocks, which share a panel', async () => {
    const grid = blockGrid([40, 60], [10, 10]);
    const mask = Uint8Array.from({ length: grid.blocks }, (_, at) =>
      Number([0, 2].includes(Math.floor(at / 6))),
    );
    const pattern = patternOf(grid, mask);
    await expectSame(
      () => denseProducts(pattern, 70, 3),
      () => sparseProducts(pattern, 70, 3),
    );
  });

  it('are the same bits in every run', () => {
    const pattern = patternKeeping([300, 200], [16, 16], 0.3, 4);
    const run = () => tf.tidy(() => sparseProducts(pattern, 128, 5).map(bits) as never);
    const first = run();
    for (let i = 0; i < 5; i++) expect(run()).toEqual(first);
  });

  it('refuse what their own kernels refuse', () => {
    const pattern = patternKeeping([32, 32], [8, 8], 0.5, 6);
    const { x, values } = operands(pattern, 64, 1);
    const refused = (run: () => tf.Tensor) => expect(() => tf.tidy(run)).toThrow();
    refused(() => blockSparseMatMul(x, values.slice(1), pattern));
    refused(() => runKernel('BlockSparseMatMul', { x, values: values.slice(1) }, { pattern }));
    refused(() => runKernel('BlockSparseMatMul', { x, values }, { pattern, activation: 'elu' }));
    refused(() =>
      runKernel('BlockSparseMatMul', { x, values }, { pattern, transposed: true, activation: 'relu' }),
    );
    const written = patternKeeping([32, 32], [8, 8], 1, 6);
    written.indices[0] = 100;
    refused(() =>
      runKernel('BlockSparseMatMul', { x, values: tf.zeros([written.size]) }, { pattern: written }),
    );
    tf.dispose([x, values]);
  });
});

const runKernel = (name: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap);

interface Case {
  readonly inShape: [number, number, number, number];
  readonly filterShape: [number, number, number, number];
  readonly strides: [number, number];
  readonly dilations: [number, number];
  readonly pad: 'same' | 'valid' | number;
  readonly pattern: BlockPattern;
  readonly seed: number;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    batch: fc.constantFrom(0, 1, 3),
    height: fc.integer({ min: 5, max: 11 }),
    width: fc.integer({ min: 5, max: 11 }),
    channels: fc.constantFrom(1, 3, 8, 12, 16),
    filters: fc.constantFrom(4, 10, 16),
    filter: fc.constantFrom<[number, number]>([1, 1], [3, 3], [2, 3], [5, 5], [1, 4]),
    strides: fc.constantFrom<[number, number]>([1, 1], [1, 1], [2, 2], [1, 3], [3, 2]),
    dilations: fc.constantFrom<[number, number]>([1, 1], [2, 1], [1, 2]),
    pad: fc.constantFrom<'same' | 'valid' | number>('same', 'valid', 1),
    block: fc.tuple(fc.constantFrom(1, 3, 4, 8, 16), fc.constantFrom(2, 3, 4, 8, 16)),
    share,
    seed,
  })
  .filter(
    ({ filter, strides, dilations, height, width }) =>
      (strides.every((step) => step === 1) || dilations.every((step) => step === 1)) &&
      (filter[0] - 1) * dilations[0] < height &&
      (filter[1] - 1) * dilations[1] < width,
  )
  .map(({ batch, height, width, channels, filters, filter, block, share, seed, ...more }) => ({
    inShape: [batch, height, width, channels],
    filterShape: [...filter, channels, filters],
    pattern: patternKeeping([filter[0] * filter[1] * channels, filters], block, share, seed),
    seed,
    ...more,
  }));

/** The result, and the gradients of its sum weighted at random, by the images, the values, the bias. */
function convolved({ inShape, pattern, filterShape, seed: s }: Case, run: Convolve): tf.Tensor[] {
  const x = randomTensor(inShape, s) as tf.Tensor4D;
  const values = randomTensor([pattern.size], s + 1) as tf.Tensor1D;
  const bias = randomTensor([filterShape[3]], s + 2) as tf.Tensor1D;
  const y = run(x, values, bias);
  const dy = randomTensor(y.shape, s + 3) as tf.Tensor4D;
  return [y, ...tf.grads(run as never)([x, values, bias], dy)];
}

type Convolve = (x: tf.Tensor4D, values: tf.Tensor1D, bias: tf.Tensor1D) => tf.Tensor4D;

const sparse = ({ pattern, filterShape, strides, dilations, pad }: Case): Convolve => {
  return (x, values, bias) =>
    blockSparseConv2d(x, values, pattern, { filterShape, strides, dilations, pad, bias });
};

const dense = ({ pattern, filterShape, strides, dilations, pad }: Case): Convolve => {
  const sides =
    typeof pad === 'number'
      ? ([
          [0, 0],
          [pad, pad],
          [pad, pad],
          [0, 0],
        ] as const)
      : pad;
  return (x, values, bias) => {
    const filter = scatterBlocks(values, pattern).reshape<tf.Tensor4D>([...filterShape]);
    return tf.conv2d(x, filter, strides, sides as 'same', 'NHWC', dilations).add(bias);
  };
};

withLibrary('block-sparse convolutions by the library', () => {
  beforeAll(attachForAll);

  it('are the dense ones over the kept blocks, and so are their gradients', async () => {
    taken = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (own) => {
        if (own.inShape[0] === 0) return;
        await expectSame(
          () => convolved(own, dense(own)),
          () => convolved(own, sparse(own)),
        );
      }),
      { numRuns: 120 },
    );
    expect(taken).toBeGreaterThan(200);
  });

  it('are so over no images', () => {
    const pattern = patternKeeping([36, 8], [4, 4], 0.5, 1);
    const own: Case = { ...GEOMETRY, inShape: [0, 6, 6, 4], filterShape: [3, 3, 4, 8], pattern, seed: 1 };
    tf.tidy(() => {
      const [y, dx, dValues] = convolved(own, sparse(own));
      expect(y!.shape).toEqual([0, 6, 6, 8]);
      expect(dx!.shape).toEqual([0, 6, 6, 4]);
      expect(dValues!.dataSync().every((value) => value === 0)).toBe(true);
    });
  });

  it('are so in several chunks of rows, which begin within a row of the image', async () => {
    const pattern = patternKeeping([9 * 64, 32], [16, 16], 0.7, 1);
    const own: Case = {
      ...GEOMETRY,
      inShape: [2, 13, 11, 64],
      filterShape: [3, 3, 64, 32],
      pattern,
      seed: 2,
    };
    await expectSame(
      () => convolved(own, dense(own)),
      () => convolved(own, sparse(own)),
    );
  });

  it('have gradients of their gradients', () => {
    const pattern = patternKeeping([36, 4], [4, 2], 0.5, 1);
    const own: Case = { ...GEOMETRY, inShape: [1, 4, 3, 4], filterShape: [3, 3, 4, 4], pattern, seed: 3 };
    tf.tidy(() => {
      const bias = tf.zeros<tf.Rank.R1>([4]);
      const weights = [own.inShape, [pattern.size]].map((shape, i) => randomTensor(shape, 8 + i));
      const slope = (...inputs: tf.Tensor[]) => {
        const run = (x: tf.Tensor, values: tf.Tensor) => sparse(own)(x as never, values as never, bias);
        const slopes = tf.grads((x, values) => run(x!, values!).square())(inputs);
        return tf.add(tf.sum(slopes[0]!.mul(weights[0]!)), tf.sum(slopes[1]!.mul(weights[1]!))) as tf.Scalar;
      };
      taken = 0;
      expectGradients(slope, [randomTensor(own.inShape, 5), randomTensor([pattern.size], 6)]);
      expect(taken).toBeGreaterThan(0);
    });
  });

  it('take no more memory from step to step', () => {
    const pattern = patternKeeping([9 * 16, 16], [8, 8], 0.3, 1);
    const own: Case = { ...GEOMETRY, inShape: [4, 8, 8, 16], filterShape: [3, 3, 16, 16], pattern, seed: 2 };
    const step = () => tf.tidy(() => void convolved(own, sparse(own)));
    for (let i = 0; i < 20; i++) step();
    const [tensors, bytes] = [tf.memory().numTensors, memoryOf(backend()).buffer.byteLength];
    for (let i = 0; i < 500; i++) step();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(memoryOf(backend()).buffer.byteLength).toBe(bytes);
  });
});

const GEOMETRY = { strides: [1, 1], dilations: [1, 1], pad: 'same' } as const as unknown as Pick<
  Case,
  'strides' | 'dilations' | 'pad'
>;

withLibrary('of what the library is offered', () => {
  const product = (rows: number, side: number) => {
    const pattern = patternKeeping([64, 64], [side, side], 1, 1);
    const { x, dy, values, bias } = operands(pattern, rows, 1);
    const before = taken;
    const counts = [
      () => blockSparseMatMul(x, values, pattern),
      () => blockSparseMatMul(dy, values, pattern, { transposed: true }),
      () => blockSparseWeightGradient(x, dy, pattern),
    ].map((run) => {
      const already = taken;
      run().dispose();
      return taken - already;
    });
    taken = before;
    tf.dispose([x, dy, values, bias]);
    return counts;
  };

  beforeAll(async () => {
    await useAccelerators(['blas']);
    const [blas] = acceleratorsOf(backend()) as [Required<Accelerator>];
    const counted = (took: boolean) => {
      if (took) taken += 1;
      return took;
    };
    attachAccelerators(backend(), [
      {
        takesBlocks: blas.takesBlocks,
        multiplyBlocks: (...args) => counted(blas.multiplyBlocks(...args)),
        blockGradient: (...args) => counted(blas.blockGradient(...args)),
      },
    ]);
  });

  it('few rows and narrow columns of blocks stay on wasm', () => {
    expect(product(128, 16)).toEqual([1, 1, 1]);
    expect(product(8, 16)).toEqual([0, 0, 1]);
    expect(product(1, 32)).toEqual([0, 0, 0]);
    expect(product(128, 4)).toEqual([0, 0, 0]);
  });

  it('several threads take the larger pieces, to the same bits each time', async () => {
    await useAccelerators(['blas'], { threads: 2 });
    const pattern = patternKeeping([256, 64], [32, 32], 0.7, 1);
    await expectSame(
      () => denseProducts(pattern, 1500, 2),
      () => sparseProducts(pattern, 1500, 2),
    );
    const run = () => tf.tidy(() => sparseProducts(pattern, 1500, 2).map(bits) as never);
    const first = run();
    for (let i = 0; i < 3; i++) expect(run()).toEqual(first);
  });
});

describe('the division of a product', () => {
  const plan = { lines: [], integers: new Int32Array(), size: 0, transposed: false, hasEmptyColumns: false };
  const source = { stride: 64 };
  const of = (rows: number, depth: number, width: number, threads: number) =>
    divided({ plan: { ...plan, depth, width }, rows, columns: 64, source }, threads);

  it('keeps panels in the cache, on one thread', () => {
    expect(of(128, 100, 32, 1)).toEqual({ atOnce: 128, threads: 1 });
    expect(of(100000, 64, 16, 1)).toEqual({ atOnce: 976, threads: 1 });
    expect(of(1000, 65536, 32, 1)).toEqual({ atOnce: 64, threads: 1 });
  });

  it('is for several threads where each has two million multiply-adds to do', () => {
    expect(of(128, 100, 32, 2)).toEqual({ atOnce: 128, threads: 1 });
    expect(of(100000, 64, 16, 2)).toEqual({ atOnce: 4096, threads: 2 });
  });
});

/** What tfjs computes densely on cpu is what wasm computes of the kept blocks. */
async function expectSame(dense: () => tf.Tensor[], sparse: () => tf.Tensor[]): Promise<void> {
  await expectSameAsCpu(() => (tf.getBackend() === 'cpu' ? dense() : sparse()));
}
