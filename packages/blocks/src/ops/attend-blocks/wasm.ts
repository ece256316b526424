// AttendBlocks and AttendBlocksGrad on the wasm backend: softmax attention, then its factors at the kept blocks. The
// arithmetic is in wasm.as.ts, that of the attention in ../softmax-attention/wasm.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { rowList, type KeptBlocks } from '../../backends/wasm/block-list.js';
import { keptOffsetOf } from '../../backends/wasm/kept-apart.js';
import { callMemory } from '../../backends/wasm/module.js';
import { exportsOf } from '../../backends/wasm/training.js';
import { newOutput, offsetOf, type WasmBackend } from '../../backends/wasm/heap.js';
import { floatInput, maskOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { maskedResult } from '../../backends/wasm/masked-result.js';
import type { TrainingMask } from '../../training-mask.js';
import type { AttentionAttributes } from '../softmax-attention/index.js';

interface Exports {
  attention(logits: number, out: number, ...settings: Settings): void;
  clip(weights: number, out: number, size: number, minimum: number, maximum: number): void;
  /** `dLogits` holds the attention before it is clipped. */
  attentionGradOf(dy: number, dLogits: number, ...settings: Settings): void;
  scaleKept(matrix: number, factors: number, out: number, ...blocks: KeptBlocks): void;
  scaleKeptGrad(
    dy: number,
    matrix: number,
    factors: number,
    dMatrix: number,
    dFactors: number,
    ...blocks: [...KeptBlocks, sums: number]
  ): void;
}

type Settings = [size: number, normalised: boolean, temperature: number, minimum: number, maximum: number];

/** matrix [n, m], logits [R, C]; attrs mask and those of the attention → [n, m]. */
function attendBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const mask = maskOfCall('AttendBlocks', call);
  const matrix = floatInput('AttendBlocks', 'matrix', call, mask.grid.matrixShape);
  const logits = floatInput('AttendBlocks', 'logits', call, mask.grid.gridShape);
  const out = maskedResult(backend, mask);
  const from = keptOffsetOf(backend, matrix, mask.pattern);
  const [by, to] = [offsetOf(backend, logits), offsetOf(backend, out)];
  const { exports, factors, blocks } = prepared(backend, mask);
  exports.attention(by, factors, ...settingsOf(mask, call));
  exports.scaleKept(from, factors, to, ...blocks);
  return out;
}

/** dy and the matrix [n, m], logits [R, C] → the gradients by the matrix and by the logits. */
function attendBlocksGrad(call: WasmCall): TensorInfo[] {
  const { backend } = call;
  const mask = maskOfCall('AttendBlocksGrad', call);
  const { matrixShape, gridShape } = mask.grid;
  const matrix = floatInput('AttendBlocksGrad', 'matrix', call, matrixShape);
  const dy = floatInput('AttendBlocksGrad', 'dy', call, matrixShape);
  const logits = floatInput('AttendBlocksGrad', 'logits', call, gridShape);
  const dMatrix = maskedResult(backend, mask);
  const dLogits = newOutput(backend, gridShape);
  const from = keptOffsetOf(backend, matrix, mask.pattern);
  const tensors = [dy, logits, dMatrix, dLogits];
  const [flow, by, to, toLogits] = tensors.map((x) => offsetOf(backend, x)) as Offsets;
  const { exports, factors, dFactors, sums, blocks } = prepared(backend, mask);
  const settings = settingsOf(mask, call);
  const [size, normalised, temperature, minimum, maximum] = settings;
  exports.attention(by, toLogits, size, normalised, temperature, -Infinity, Infinity);
  exports.clip(toLogits, factors, size, minimum, maximum);
  exports.scaleKeptGrad(flow, from, factors, to, dFactors, ...blocks, sums);
  exports.attentionGradOf(dFactors, toLogits, ...settings);
  return [dMatrix, dLogits];
}

type Offsets = [number, number, number, number];

/** Scratch memory for a factor and a gradient a block and two sums a column of blocks, and the kept blocks. */
function prepared(backend: WasmBackend, { pattern, grid }: TrainingMask) {
  const list = rowList(pattern);
  const exports = exportsOf<Exports>(backend);
  const numbers = 16 * Math.ceil(grid.blocks / 4);
  const { scratch, integers } = callMemory(backend, 2 * numbers + 16 * grid.gridShape[1], list.integers);
  const blocks: KeptBlocks = [
    ...grid.matrixShape,
    ...grid.blockShape,
    integers + list.pointers,
    integers + list.indices,
  ];
  return {
    exports,
    factors: scratch,
    dFactors: scratch + numbers,
    sums: scratch + 2 * numbers,
    blocks,
  };
}

function settingsOf({ grid }: TrainingMask, { attrs }: WasmCall): Settings {
  const { normalised, temperature, minimum, maximum } = attrs as unknown as AttentionAttributes;
  return [grid.blocks, normalised, temperature, minimum, maximum];
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  AttendBlocks: attendBlocks,
  AttendBlocksGrad: attendBlocksGrad,
};
