// BlockSparseMatMul on the wasm backend. The arithmetic is in product.as.ts, direct.as.ts and rows.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { columnList, rowList } from '../../backends/wasm/block-list.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall } from '../../backends/wasm/kernel.js';
import { callMemory } from '../../backends/wasm/module.js';
import { exportsOf } from '../../backends/wasm/predicting.js';

/** A product that packs what it multiplies. */
export interface ProductExports {
  productScratchBytes(inner: number, rows: number): number;
  blockSparseProduct(
    transposed: boolean,
    batch: number,
    inner: number,
    outer: number,
    innerBlock: number,
    outerBlock: number,
    x: number,
    values: number,
    y: number,
    pointers: number,
    indices: number,
    starts: number,
    innerPointers: number,
    bias: number,
    relu: boolean,
    scratch: number,
    rowsAtOnce: number,
  ): void;
}

interface Exports extends ProductExports {
  directScratchBytes(): number;
  blockSparseDirect: UnpackedProduct;
  blockSparseRows: UnpackedProduct;
}

/** x · W without packing, plus bias, then ReLU. */
type UnpackedProduct = (
  batch: number,
  inner: number,
  outer: number,
  innerBlock: number,
  outerBlock: number,
  x: number,
  values: number,
  y: number,
  pointers: number,
  indices: number,
  starts: number,
  bias: number,
  relu: boolean,
  scratch: number,
) => void;

/** Floats that are packed at a time: a megabyte stays in the second-level cache. */
const PACKED_FLOATS = 2 ** 18;

/**
 * One or two rows are multiplied by themselves, as of eight at a time most would be padding; unless blocks are so
 * narrow that their columns do not fill the vectors either.
 */
const fewRows = (batch: number, blockColumns: number) => batch <= 2 && 8 * batch <= blockColumns;
const ROWS_SCRATCH_BYTES = 64;

/** Four rows and whole vectors of columns are multiplied where they lie, without packing. */
const wholeTiles = (batch: number, m: number, blockColumns: number) =>
  batch >= 4 && m % 8 === 0 && blockColumns >= 16 && blockColumns % 8 === 0;

/**
 * x [B, n], values [size], optional bias [m]; attrs pattern, transposed, activation → x · W [B, m], plus bias, then
 * activation ('linear' or 'relu'). Transposed: x [B, m] → x · Wᵀ [B, n].
 */
export function blockSparseMatMul(call: WasmCall): TensorInfo {
  const { attrs, inputs, backend } = call;
  const pattern = patternOfCall('BlockSparseMatMul', call);
  const transposed = Boolean(attrs['transposed']);
  const relu = isRelu(attrs['activation']);
  const [n, m] = pattern.matrixShape;
  const [inner, outer] = transposed ? [m, n] : [n, m];
  const x = floatInput('BlockSparseMatMul', 'x', call, [null, inner]);
  const values = floatInput('BlockSparseMatMul', 'values', call, [pattern.size]);
  const bias = inputs['bias'] ? floatInput('BlockSparseMatMul', 'bias', call, [outer]) : null;
  if (transposed && (bias || relu)) {
    throw new RangeError(`BlockSparseMatMul: the transposed product takes neither bias nor activation`);
  }
  const batch = x.shape[0]!;
  const out = newOutput(backend, [batch, outer]);
  const exports = exportsOf<Exports>(backend);
  const [blockRows, blockColumns] = pattern.blockShape;
  const [innerBlock, outerBlock] = transposed ? [blockColumns, blockRows] : [blockRows, blockColumns];
  const list = transposed ? rowList(pattern) : columnList(pattern);
  // The offsets of inputs before the memory of the call: reading one may move it here from another backend.
  const offsets = [offsetOf(backend, x), offsetOf(backend, values), offsetOf(backend, out)] as const;
  const biasOffset = bias ? offsetOf(backend, bias) : 0;
  const sizes = [batch, inner, outer, innerBlock, outerBlock] as const;
  const few = !transposed && fewRows(batch, blockColumns);
  const rows = rowsAtOnce(batch, inner, 256);
  const direct = !transposed && wholeTiles(batch, m, blockColumns);
  const { scratch, integers } = callMemory(
    backend,
    few
      ? ROWS_SCRATCH_BYTES
      : direct
        ? exports.directScratchBytes()
        : exports.productScratchBytes(inner, rows),
    list.integers,
  );
  const blocks = [integers + list.pointers, integers + list.indices, integers + list.starts] as const;
  if (few) {
    exports.blockSparseRows(...sizes, ...offsets, ...blocks, biasOffset, relu, scratch);
  } else if (direct) {
    exports.blockSparseDirect(...sizes, ...offsets, ...blocks, biasOffset, relu, scratch);
  } else {
    const others = integers + list.otherPointers;
    exports.blockSparseProduct(
      transposed,
      ...sizes,
      ...offsets,
      ...blocks,
      others,
      biasOffset,
      relu,
      scratch,
      rows,
    );
  }
  return out;
}

/** A multiple of 8: few enough rows to stay in the cache when packed, enough to be worth a pass over the blocks. */
export function rowsAtOnce(batch: number, width: number, most: number): number {
  const fitting = Math.floor(PACKED_FLOATS / width / 8) * 8;
  return Math.min(Math.max(32, Math.min(most, fitting)), Math.max(8, Math.ceil(batch / 8) * 8));
}

export function isRelu(activation: unknown): boolean {
  if (activation === 'relu') return true;
  if (activation === undefined || activation === null || activation === 'linear') return false;
  throw new RangeError(
    `BlockSparseMatMul: the activation is 'linear' or 'relu', not '${String(activation)}'; apply others after the product`,
  );
}
