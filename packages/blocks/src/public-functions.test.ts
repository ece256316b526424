/** Every public function says of a wrong argument what it is, in one line: its name, the value seen, what was expected. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import * as blocks from './index.js';
import './backends/cpu.js';

const grid = blocks.blockGrid([4, 6], [2, 3]);
const mask = Uint8Array.of(1, 0, 0, 1);
const pattern = blocks.patternOf(grid, mask);
const info = blocks.convolutionInfo([1, 4, 4, 2], [3, 3, 2, 1]);

const wrong: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  'a text': () => 'text',
  'a number': () => 7,
  NaN: () => NaN,
  'an empty object': () => ({}),
  'an array of texts': () => ['a', 'b'],
  'a promise': () => Promise.resolve(1),
  'a function': () => () => 1,
  'a GraphModel': () => new tf.GraphModel(tf.io.fromMemory({ modelTopology: {} })),
};

const tensor = (shape: number[]) => tf.zeros(shape);

/** Arguments that are right, and of each what an error calls it; null for one that may be anything. */
type Call = [arguments_: () => unknown[], names: (RegExp | null)[]];

const calls: Partial<Record<keyof typeof blocks, Call>> = {
  matrixShape: [() => [[3, 3, 2, 4], 'other'], [/kernelShape|A kernel of shape/, /kind/]],
  assertBlockShape: [() => [[2, 3]], [/block ?shape/i]],
  blockFits: [
    () => [
      [4, 6],
      [2, 3],
    ],
    [/matrix/, /blockShape/],
  ],
  blockGrid: [
    () => [
      [4, 6],
      [2, 3],
    ],
    [/matrix ?shape/i, /block ?shape/i],
  ],
  blockSize: [() => [grid, 1], [/grid/, /Block/]],
  keepAll: [() => [4], [/blocks/]],
  keptBlocks: [() => [mask], [/mask/]],
  topK: [() => [[1, 2, 3, 4], 2, mask], [/scores/, /k = /, /candidates/]],
  growMask: [() => [mask, [1, 2, 3, 4], 2, mask], [/mask/, /scores/, /k = /, /candidates/]],
  patternOf: [() => [grid, mask], [/grid/, /mask/]],
  patternOfText: [() => [blocks.patternText(pattern), 'dense/kernel'], [/dense\/kernel/, null]],
  patternText: [() => [pattern], [/pattern/]],
  blocksOfPattern: [() => [pattern], [/pattern/]],
  denseOf: [() => [new Float32Array(12), pattern], [/weights/, /pattern/]],
  valuesOf: [() => [new Float32Array(24), pattern], [/weights/, /pattern/]],
  scaleBlocks: [() => [tensor([4, 6]), tensor([2, 2]), grid], [/matrix/, /scale/, /grid/]],
  maskBlocks: [() => [tensor([4, 6]), tensor([2, 2]), grid], [/matrix/, /mask/, /grid/]],
  keepBlocks: [() => [tensor([4, 6]), new blocks.TrainingMask(grid, mask)], [/matrix/, /mask/]],
  attendBlocks: [
    () => [tensor([4, 6]), tensor([2, 2]), new blocks.TrainingMask(grid, mask), {}],
    [/matrix/, /logits/, /mask/, /attendBlocks\(\)/],
  ],
  scaleByPower: [
    () => [tensor([4, 6]), new blocks.TrainingMask(grid, mask), { power: 1, of: 'blocks' }],
    [/matrix/, /mask/, /scaleByPower\(\)/],
  ],
  scaleByThreshold: [
    () => [tensor([4, 6]), tf.scalar(1), new blocks.TrainingMask(grid, mask), { leak: 0, of: 'blocks' }],
    [/matrix/, /threshold/, /mask/, /scaleByThreshold\(\)/],
  ],
  blockDot: [() => [tensor([4, 6]), tensor([4, 6]), grid], [/a is/, /b is/, /grid/]],
  blockNorms: [() => [tensor([4, 6]), grid], [/matrix/, /grid/]],
  blockRootMeanSquares: [() => [tensor([4, 6]), grid], [/matrix/, /grid/]],
  wholeBlockNorms: [() => [tensor([4, 6]), grid], [/matrix/, /grid/]],
  attentionWeights: [() => [tensor([2, 2]), {}], [/logits/, /attentionWeights\(\)/]],
  gatherBlocks: [() => [tensor([4, 6]), pattern], [/matrix/, /pattern/]],
  scatterBlocks: [() => [tensor([12]), pattern], [/values/, /pattern/]],
  scaleBlockValues: [() => [tensor([12]), tensor([2, 2]), pattern], [/values/, /scale/, /pattern/]],
  blockValuesDot: [() => [tensor([12]), tensor([12]), pattern], [/a is/, /b is/, /pattern/]],
  blockSparseMatMul: [
    () => [tensor([2, 4]), tensor([12]), pattern, {}],
    [/x is/, /values/, /pattern/, /blockSparseMatMul\(\)/],
  ],
  blockSparseWeightGradient: [() => [tensor([2, 4]), tensor([2, 6]), pattern], [/x is/, /dy is/, /pattern/]],
  blockSparseConv2d: [
    () => [tensor([1, 2, 2, 4]), tensor([12]), pattern, { filterShape: [1, 1, 4, 6] }],
    [/x is/, /values/, /pattern/, /blockSparseConv2d\(\)|filterShape/],
  ],
  im2col: [() => [tensor([1, 4, 4, 2]), info], [/x is/, /info/]],
  col2im: [() => [tensor([4, 18]), info], [/patches/, /info/]],
  convolutionInfo: [
    () => [[1, 4, 4, 2], [3, 3, 2, 1], {}],
    [/inputShape/, /filterShape/, /convolutionInfo\(\)/],
  ],
  defineOperation: [() => [{ name: 'Own', composed: () => tensor([1]) }], [/defineOperation\(\)/]],
  registerCpuKernel: [
    () => ['ScaleBlocks', () => ({ shape: [], values: new Float32Array(1) })],
    [/kernelName/, /the kernel/],
  ],
  registerWasmKernel: [() => ['ScaleBlocks', () => ({})], [/kernelName/, /the kernel/]],
  registerWebgpuKernel: [() => ['ScaleBlocks', () => ({})], [/kernelName/, /the kernel/]],
};

/** What may be left out, or be of several kinds: not wrong here. */
const allowed: Record<string, string[]> = {
  'matrixShape 1': ['undefined'],
  'keepAll 0': ['a number'],
  'blockSize 1': [],
  'topK 1': ['a number'],
  'topK 2': ['undefined'],
  'growMask 2': ['a number'],
  'growMask 3': ['undefined'],
  'blockFits 0': ['an array of texts'],
  'blockFits 1': ['an array of texts'],
  'topK 0': ['an array of texts'],
  'growMask 1': ['an array of texts'],
  'attentionWeights 1': ['undefined', 'an empty object'],
  'attendBlocks 3': ['undefined', 'an empty object'],
  'blockSparseMatMul 3': ['undefined', 'an empty object'],
  'convolutionInfo 2': ['undefined', 'an empty object'],
  'registerCpuKernel 0': ['a text'],
  'registerCpuKernel 1': ['a function'],
  'registerWasmKernel 0': ['a text'],
  'registerWasmKernel 1': ['a function'],
  'registerWebgpuKernel 0': ['a text'],
  'registerWebgpuKernel 1': ['a function'],
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.entries(calls))('%s', (name, [right, names]) => {
  const run = (given: unknown[]) =>
    (blocks[name as keyof typeof blocks] as (...given: unknown[]) => unknown)(...given);

  it('takes what is right', () => {
    tf.tidy(() => void run(right()));
  });

  const cases = names.flatMap((called, at) =>
    called === null
      ? []
      : Object.entries(wrong)
          .filter(([value]) => !(allowed[`${name} ${at}`] ?? []).includes(value))
          .map(([value, make]) => [at, value, called, make] as const),
  );
  it.each(cases)('argument %i of %s', (at, _, called, make) => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const given = right();
      given[at] = make();
      const error = errorOf(() => run(given));
      expect(error.name).toMatch(/^(TypeError|RangeError)$/);
      expect(error.message).toMatch(called);
      expect(error.message).not.toMatch(/Cannot read|is not a function|not iterable|\n/);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

it.each<[string, () => unknown, string]>([
  [
    'a misspelt option of a product',
    () =>
      blocks.blockSparseMatMul(tensor([2, 4]) as tf.Tensor2D, tensor([12]) as tf.Tensor1D, pattern, {
        transpose: true,
      } as never),
    "blockSparseMatMul() has no option 'transpose': did you mean transposed?",
  ],
  [
    'an activation that there is not',
    () =>
      blocks.blockSparseMatMul(tensor([2, 4]) as tf.Tensor2D, tensor([12]) as tf.Tensor1D, pattern, {
        activation: 'elu' as never,
      }),
    "activation is 'elu' (a string), and is to be 'linear' or 'relu'",
  ],
  [
    'strides of a convolution as text',
    () => blocks.convolutionInfo([1, 4, 4, 2], [3, 3, 2, 1], { strides: '2' as never }),
    "strides is '2' (a string), not one or two whole numbers of at least 1",
  ],
  [
    'strides of 0',
    () => blocks.convolutionInfo([1, 4, 4, 2], [3, 3, 2, 1], { strides: 0 }),
    'strides is 0, not one or two whole numbers of at least 1',
  ],
  [
    'a misspelt attribute of attention',
    () => blocks.attentionWeights(tensor([2]), { temprature: 2 } as never),
    "attentionWeights() has no option 'temprature': did you mean temperature?",
  ],
  [
    'a mask of other numbers',
    () => blocks.patternOf(grid, Uint8Array.of(2, 0, 0, 0)),
    'The mask has 2 at block 0: it is 1 for kept, 0 for pruned',
  ],
  ['a mask for other scores', () => blocks.growMask(mask, [1, 2, 3], 2), 'mask is of 4 blocks, there are 3'],
  ['a block that the grid does not have', () => blocks.blockSize(grid, 4), "Block 4 is none of the grid's 4"],
])('%s is named', (_, run, message) => {
  tf.tidy(() => {
    expect(run).toThrow(message);
  });
});

function errorOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  return new Error('nothing was thrown');
}
