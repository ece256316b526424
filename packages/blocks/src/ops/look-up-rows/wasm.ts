// LookUpRows and LookUpRowsGradient on the wasm backend. The arithmetic is in predicting.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { keptBlocksIn, rowList, type KeptBlocks } from '../../backends/wasm/block-list.js';
import { exportsOf } from '../../backends/wasm/predicting.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import { memoryOf } from '../../backends/wasm/instantiate.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import type { BlockPattern } from '../../pattern.js';
import { noSuchRow } from './no-such-row.js';

type Blocks = [...KeptBlocks, starts: number];

interface Exports {
  lookUpRows(values: number, rows: number, count: number, out: number, ...blocks: Blocks): number;
  addRows(dy: number, rows: number, count: number, values: number, size: number, ...blocks: Blocks): number;
}

/** values [size], rows [count]; attrs pattern → [count, m]. */
function lookUpRows(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('LookUpRows', call);
  const values = floatInput('LookUpRows', 'values', call, [pattern.size]);
  const rows = rowsInput('LookUpRows', call);
  const [count] = rows.shape as [number];
  const out = newOutput(backend, [count, pattern.matrixShape[1]]);
  const [v, r, o] = [values, rows, out].map((tensor) => offsetOf(backend, tensor)) as [
    number,
    number,
    number,
  ];
  const wrong = exportsOf<Exports>(backend).lookUpRows(v, r, count, o, ...blocksIn(call, pattern));
  return refuse(call, rows, wrong, pattern, out);
}

/** dy [count, m], rows [count]; attrs pattern → [size]. */
function lookUpRowsGradient(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('LookUpRowsGradient', call);
  const { size, matrixShape } = pattern;
  const rows = rowsInput('LookUpRowsGradient', call);
  const [count] = rows.shape as [number];
  const dy = floatInput('LookUpRowsGradient', 'dy', call, [count, matrixShape[1]]);
  const out = newOutput(backend, [size]);
  const [d, r, o] = [dy, rows, out].map((tensor) => offsetOf(backend, tensor)) as [number, number, number];
  const wrong = exportsOf<Exports>(backend).addRows(d, r, count, o, size, ...blocksIn(call, pattern));
  return refuse(call, rows, wrong, pattern, out);
}

/** @throws RangeError where a number is no row's, with the result let go */
function refuse(
  { backend }: WasmCall,
  rows: TensorInfo,
  wrong: number,
  pattern: BlockPattern,
  out: TensorInfo,
): TensorInfo {
  if (wrong < 0) return out;
  backend.disposeData(out.dataId);
  const numbers = new Int32Array(memoryOf(backend).buffer, offsetOf(backend, rows), rows.shape[0]);
  throw noSuchRow(numbers[wrong]!, pattern);
}

function blocksIn({ backend }: WasmCall, pattern: BlockPattern): Blocks {
  const { indices, starts } = rowList(pattern);
  const kept = keptBlocksIn(backend, pattern);
  return [...kept, kept[5] + starts - indices];
}

/** @throws TypeError for rows that are no list of int32 */
function rowsInput(kernel: string, { inputs }: WasmCall): TensorInfo {
  const { rows } = inputs;
  if (rows?.dtype === 'int32' && rows.shape.length === 1) return rows;
  throw new TypeError(
    `${kernel}: the input 'rows' must be a list of int32, got ${rows ? `${rows.dtype} [${rows.shape.join(', ')}]` : 'nothing'}`,
  );
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  LookUpRows: lookUpRows,
  LookUpRowsGradient: lookUpRowsGradient,
};
