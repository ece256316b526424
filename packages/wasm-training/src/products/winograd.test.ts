import type { WasmBackend } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import '../index.js';
import { expectClose, expectSameAsCpu, randomTensor, randomValues } from '../test-support.js';
import type { ConvolutionGeometry } from '../wasm/exports.js';
import { kernelsOf } from '../wasm/link.js';
import { byWinograd } from './winograd.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;

interface Case {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly padTop: number;
  readonly padLeft: number;
  /** Rows and columns of the output more than padding before alone makes. */
  readonly more: number;
}

const small = (min: number, max: number) => fc.integer({ min, max });
const cases: fc.Arbitrary<Case> = fc.record({
  batch: small(0, 3),
  height: small(3, 13),
  width: small(3, 13),
  channels: fc.constantFrom(8, 16, 24, 40),
  outChannels: fc.constantFrom(8, 16, 24, 40),
  padTop: small(0, 2),
  padLeft: small(0, 2),
  more: small(0, 2),
});

describe("Winograd's filtering", () => {
  it('is the convolution in double precision, to a tenth of 1e-4', () => {
    fc.assert(
      fc.property(cases, fc.integer(), (c, seed) => {
        const { geometry, floats } = shapesOf(c);
        const [x, filter] = [randomValues(floats.x, seed), randomValues(floats.filter, seed + 1)];
        const expected = new Float64Array(floats.y);
        overTerms(geometry, (i, j, k) => (expected[k]! += x[i]! * filter[j]!));
        const actual = onMemory([x, filter], floats.y, (operands, work) =>
          kernelsOf(backend()).exports.winogradConvolution(...operands, ...geometry, work, 0, 0, 0, 0),
          c,
        ); // prettier-ignore
        expectClose(actual, expected, 1e-5);
      }),
      { numRuns: 60 },
    );
  });

  it('is the gradient by the filter in double precision, to a tenth of 1e-4, also in parts', () => {
    fc.assert(
      fc.property(cases, fc.integer(), (c, seed) => {
        const { geometry, floats } = shapesOf(c);
        const [x, dy] = [randomValues(floats.x, seed), randomValues(floats.y, seed + 1)];
        const expected = new Float64Array(floats.filter);
        overTerms(geometry, (i, j, k) => (expected[j]! += x[i]! * dy[k]!));
        const { winogradFilterGradient } = kernelsOf(backend()).exports;
        const whole = onMemory([x, dy], floats.filter, (operands, work) =>
          winogradFilterGradient(...operands, ...geometry, 0, c.channels, work),
          c,
        ); // prettier-ignore
        expectClose(whole, expected, 1e-5);
        const inParts = onMemory([x, dy], floats.filter, (operands, work) => {
          winogradFilterGradient(...operands, ...geometry, 8, c.channels - 8, work);
          winogradFilterGradient(...operands, ...geometry, 0, 8, work);
        }, c); // prettier-ignore
        expect(inParts).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  it('serves conv2d and its gradients, with bias and activation, in more channels out than in and in fewer', async () => {
    for (const [channels, outChannels] of [
      [8, 24],
      [24, 8],
    ] as const) {
      await expectSameAsCpu(() => {
        const x = randomTensor([6, 9, 10, channels], 1) as tf.Tensor4D;
        const filter = randomTensor([3, 3, channels, outChannels], 2) as tf.Tensor4D;
        const bias = randomTensor([outChannels], 3);
        const fused = tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias, activation: 'relu' });
        const convolve = (a: tf.Tensor, b: tf.Tensor) =>
          tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'valid');
        const gradients = tf.grads(convolve)([x, filter], randomTensor([6, 7, 8, outChannels], 4));
        return [fused, convolve(x, filter), ...gradients];
      }, 1e-5);
    }
  });
});

describe('the rule', () => {
  const same = (batch: number, side: number, channels: number, outChannels: number, filter = 3) =>
    [batch, side, side, channels, side, side, outChannels, filter, filter] as const;
  const ones = [1, 1, 1, 1, 1, 1] as const;

  it.each([
    ['a convolution of ResNet-20', [...same(64, 32, 16, 16), ...ones], true],
    ['one image', [...same(1, 32, 16, 16), ...ones], true],
    ['a larger filter', [...same(64, 32, 16, 16, 5), ...ones], false],
    ['a stride', [...same(64, 32, 16, 16), 2, 1, 1, 1, 1, 1], false],
    ['a dilation', [...same(64, 32, 16, 16), 1, 1, 1, 2, 1, 1], false],
    ['three channels', [...same(64, 32, 3, 16), ...ones], false],
    ['ten channels out', [...same(64, 32, 16, 10), ...ones], false],
    ['few tiles', [...same(1, 8, 64, 64), ...ones], false],
    ['images of two pixels a side', [...same(64, 2, 64, 64), ...ones], false],
    ['many channels', [...same(64, 8, 512, 512), ...ones], false],
  ] as unknown as [string, ConvolutionGeometry, boolean][])('for %s', (_, geometry, expected) => {
    expect(byWinograd(geometry)).toBe(expected);
  });
});

function shapesOf({ batch, height, width, channels, outChannels, padTop, padLeft, more }: Case) {
  const [outHeight, outWidth] = [height + padTop - 2 + more, width + padLeft - 2 + more];
  const geometry: ConvolutionGeometry = [
    ...([batch, height, width, channels, outHeight, outWidth, outChannels] as const),
    ...([3, 3, 1, 1, 1, 1, padTop, padLeft] as const),
  ];
  const floats = {
    x: batch * height * width * channels,
    filter: 9 * channels * outChannels,
    y: batch * outHeight * outWidth * outChannels,
  };
  return { geometry, floats };
}

/** Every product of the definition: an element of x, one of the filter, and the one of y that it is part of. */
function overTerms(
  [
    batch,
    height,
    width,
    channels,
    outHeight,
    outWidth,
    outChannels,
    ,
    ,
    ,
    ,
    ,
    ,
    top,
    left,
  ]: ConvolutionGeometry,
  use: (x: number, filter: number, y: number) => void,
): void {
  for (let pixel = 0; pixel < batch * outHeight * outWidth; pixel++) {
    const [image, row] = [
      Math.floor(pixel / (outHeight * outWidth)),
      Math.floor(pixel / outWidth) % outHeight,
    ];
    for (let tap = 0; tap < 9; tap++) {
      const inRow = row + Math.floor(tap / 3) - top;
      const inColumn = (pixel % outWidth) + (tap % 3) - left;
      if (inRow < 0 || inRow >= height || inColumn < 0 || inColumn >= width) continue;
      const source = (image * height + inRow) * width + inColumn;
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < outChannels; k++) {
          use(source * channels + c, (tap * channels + c) * outChannels + k, pixel * outChannels + k);
        }
      }
    }
  }
}

/** What a kernel makes of two operands, in memory that held something else before. */
function onMemory(
  [a, b]: readonly [Float32Array, Float32Array],
  size: number,
  compute: (operands: [number, number, number], work: number) => void,
  { channels, outChannels }: Case,
): Float32Array {
  const { exports } = kernelsOf(backend());
  const { wasm } = backend() as unknown as { wasm: Heap };
  const lengths = [a.length, b.length, size, exports.winogradBytes(channels, outChannels) / 4];
  const offsets = lengths.map((length) => wasm._malloc(4 * length + 16));
  const floats = (i: number) => new Float32Array(wasm.HEAPU8.buffer, offsets[i], lengths[i]);
  floats(0).set(a);
  floats(1).set(b);
  floats(2).fill(NaN);
  floats(3).fill(NaN);
  compute(offsets.slice(0, 3) as [number, number, number], offsets[3]!);
  const result = floats(2).slice();
  for (const offset of offsets) wasm._free(offset);
  return result;
}

interface Heap {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(offset: number): void;
}
