// BlockSparseConv2D on the wasm backend: products over pieces of the matrix of patches, each small enough to stay in
// the cache between its making and its use.

import type { TensorInfo } from '@tensorflow/tfjs';

import { columnList } from '../../backends/wasm/block-list.js';
import { callMemory } from '../../backends/wasm/module.js';
import { exportsOf } from '../../backends/wasm/predicting.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { compositionKernel } from '../../operation.js';
import { isRelu, rowsAtOnce, type ProductExports } from '../block-sparse-matmul/wasm-product.js';
import { isPointwise, patchesShape, type ConvolutionInfo } from '../im2col/convolution-info.js';
import { geometryArguments, infoOf, type PatchExports } from '../im2col/wasm.js';
import { composedInputGradient, composedValuesGradient } from './composed.js';

/** Half a megabyte of patches stays in the second-level cache. */
const PATCH_FLOATS = 2 ** 17;
const LINE = 64;

/**
 * x [N, H, W, C], values [size], optional bias [K]; attrs pattern of [FH·FW·C, K], info (Conv2DInfo), activation →
 * [N, OH, OW, K].
 */
function blockSparseConv2d(call: WasmCall): TensorInfo {
  const { attrs, inputs, backend } = call;
  const pattern = patternOfCall('BlockSparseConv2D', call);
  const info = infoOf('BlockSparseConv2D', call);
  const relu = isRelu(attrs['activation']);
  const [rows, width] = patchesShape(info);
  const [n, m] = pattern.matrixShape;
  if (width !== n || info.outChannels !== m) {
    throw new RangeError(
      `BlockSparseConv2D: the filter is a matrix [${width}, ${info.outChannels}], the pattern of [${n}, ${m}]`,
    );
  }
  const x = floatInput('BlockSparseConv2D', 'x', call, info.inShape);
  const values = floatInput('BlockSparseConv2D', 'values', call, [pattern.size]);
  const bias = inputs['bias'] ? floatInput('BlockSparseConv2D', 'bias', call, [m]) : null;
  const out = newOutput(backend, info.outShape);
  const [from, weights, to] = [offsetOf(backend, x), offsetOf(backend, values), offsetOf(backend, out)];
  const biasOffset = bias ? offsetOf(backend, bias) : 0;

  const exports = exportsOf<ProductExports & PatchExports>(backend);
  const list = columnList(pattern);
  const pieces = isPointwise(info) ? null : piecesOf(info);
  const most = pieces ? Math.max(0, ...pieces.map((piece) => piece.rows)) : rows;
  const atOnce = rowsAtOnce(most, n, 256);
  const patchBytes = pieces ? Math.ceil((4 * most * n) / LINE) * LINE : 0;
  const { scratch, integers } = callMemory(
    backend,
    patchBytes + exports.productScratchBytes(n, atOnce),
    list.integers,
  );
  const product = (matrix: number, first: number, count: number) =>
    exports.blockSparseProduct(
      false,
      count,
      n,
      m,
      ...pattern.blockShape,
      matrix,
      weights,
      to + 4 * first * m,
      integers + list.pointers,
      integers + list.indices,
      integers + list.starts,
      integers + list.otherPointers,
      biasOffset,
      relu,
      scratch + patchBytes,
      atOnce,
    );
  if (!pieces) product(from, 0, rows);
  const imageBytes = 4 * info.inHeight * info.inWidth * info.inChannels;
  for (const { info: part, image, first, rows: count } of pieces ?? []) {
    exports.patches(false, from + image * imageBytes, scratch, ...geometryArguments(part));
    product(scratch, first, count);
  }
  return out;
}

/** Some rows of the matrix of patches. */
interface Piece {
  /** The image that they begin in. */
  readonly image: number;
  /** The first of them, and how many. */
  readonly first: number;
  readonly rows: number;
  /** The convolution that they are the patches of: over some of the images, or some rows of the output of one. */
  readonly info: ConvolutionInfo;
}

function piecesOf(info: ConvolutionInfo): Piece[] {
  const { batchSize, outHeight, outWidth, padInfo, strideHeight } = info;
  const [, width] = patchesShape(info);
  const atOnce = Math.max(1, Math.floor(PATCH_FLOATS / (outWidth * width)));
  const pieces: Piece[] = [];
  if (atOnce >= outHeight) {
    const images = Math.floor(atOnce / outHeight);
    for (let image = 0; image < batchSize; image += images) {
      const count = Math.min(images, batchSize - image);
      const [, ...sizes] = info.inShape;
      const part: ConvolutionInfo = { ...info, batchSize: count, inShape: [count, ...sizes] };
      pieces.push({
        image,
        first: image * outHeight * outWidth,
        rows: count * outHeight * outWidth,
        info: part,
      });
    }
    return pieces;
  }
  for (let image = 0; image < batchSize; image++) {
    for (let row = 0; row < outHeight; row += atOnce) {
      const count = Math.min(atOnce, outHeight - row);
      const [, ...sizes] = info.inShape;
      const part: ConvolutionInfo = {
        ...info,
        batchSize: 1,
        inShape: [1, ...sizes],
        outHeight: count,
        // The rows above are as good as so much less padding.
        padInfo: { ...padInfo, top: padInfo.top - row * strideHeight },
      };
      pieces.push({ image, first: (image * outHeight + row) * outWidth, rows: count * outWidth, info: part });
    }
  }
  return pieces;
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  BlockSparseConv2D: blockSparseConv2d,
  BlockSparseConv2DBackpropInput: compositionKernel(composedInputGradient),
  BlockSparseConv2DBackpropValues: compositionKernel(composedValuesGradient),
};
