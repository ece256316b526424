// ScaleByPower and ScaleByThreshold on the wasm backend, and their gradients. The arithmetic is in wasm.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { rowList, type KeptBlocks } from '../../backends/wasm/block-list.js';
import { keptOffsetOf } from '../../backends/wasm/kept-apart.js';
import { callMemory } from '../../backends/wasm/module.js';
import { exportsOf } from '../../backends/wasm/training.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, maskOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { maskedResult } from '../../backends/wasm/masked-result.js';
import { memoryOf } from '../../backends/wasm/instantiate.js';
import type { TrainingMask } from '../../training-mask.js';
import type { PowerAttributes, ThresholdAttributes } from './index.js';

interface Exports {
  scaleByNorms(matrix: number, out: number, ...rest: [...KeptBlocks, sums: number, ...OfFunction]): void;
  scaleByNormsGrad(
    dy: number,
    matrix: number,
    dMatrix: number,
    ...rest: [...KeptBlocks, sums: number, ...OfFunction]
  ): number;
  scaleBySizes(matrix: number, out: number, ...rest: [...KeptBlocks, ...OfFunction]): void;
  scaleBySizesGrad(
    dy: number,
    matrix: number,
    dMatrix: number,
    ...rest: [...KeptBlocks, ...OfFunction]
  ): number;
}

type OfFunction = [threshold: number, leak: number, whole: number, fraction: number];

/** matrix [n, m]; attrs mask, of, power → [n, m]. */
function scaleByPower(call: WasmCall): TensorInfo {
  return scaled('ScaleByPower', call, ofPower(call));
}

/** dy and the matrix [n, m] → the gradient by the matrix. */
function scaleByPowerGrad(call: WasmCall): TensorInfo {
  return gradients('ScaleByPowerGrad', call, ofPower(call)).dMatrix;
}

/** matrix [n, m], threshold a scalar; attrs mask, of, leak → [n, m]. */
function scaleByThreshold(call: WasmCall): TensorInfo {
  return scaled('ScaleByThreshold', call, ofThreshold('ScaleByThreshold', call));
}

/** dy and the matrix [n, m], threshold a scalar → the gradients by the matrix and by the threshold. */
function scaleByThresholdGrad(call: WasmCall): TensorInfo[] {
  const { backend } = call;
  const { dMatrix, byThreshold } = gradients(
    'ScaleByThresholdGrad',
    call,
    ofThreshold('ScaleByThresholdGrad', call),
  );
  const dThreshold = newOutput(backend, []);
  new Float32Array(memoryOf(backend).buffer, offsetOf(backend, dThreshold), 1)[0] = byThreshold;
  return [dMatrix, dThreshold];
}

function scaled(name: string, call: WasmCall, ofFunction: OfFunction): TensorInfo {
  const { backend } = call;
  const mask = maskOfCall(name, call);
  const matrix = floatInput(name, 'matrix', call, mask.grid.matrixShape);
  const out = maskedResult(backend, mask);
  const [from, to] = [keptOffsetOf(backend, matrix, mask.pattern), offsetOf(backend, out)];
  const { exports, blocks, sums } = prepared(call, mask);
  if (isOfWeights(call)) exports.scaleBySizes(from, to, ...blocks, ...ofFunction);
  else exports.scaleByNorms(from, to, ...blocks, sums, ...ofFunction);
  return out;
}

function gradients(name: string, call: WasmCall, ofFunction: OfFunction) {
  const { backend } = call;
  const mask = maskOfCall(name, call);
  const matrix = floatInput(name, 'matrix', call, mask.grid.matrixShape);
  const dy = floatInput(name, 'dy', call, mask.grid.matrixShape);
  const dMatrix = maskedResult(backend, mask);
  const offsets = [
    offsetOf(backend, dy),
    keptOffsetOf(backend, matrix, mask.pattern),
    offsetOf(backend, dMatrix),
  ] as const;
  const { exports, blocks, sums } = prepared(call, mask);
  const byThreshold = isOfWeights(call)
    ? exports.scaleBySizesGrad(...offsets, ...blocks, ...ofFunction)
    : exports.scaleByNormsGrad(...offsets, ...blocks, sums, ...ofFunction);
  return { dMatrix, byThreshold };
}

/** Scratch memory for four sums a column of blocks, and the kept blocks. */
function prepared({ backend }: WasmCall, { pattern, grid }: TrainingMask) {
  const list = rowList(pattern);
  const exports = exportsOf<Exports>(backend);
  const { scratch, integers } = callMemory(backend, 32 * grid.gridShape[1], list.integers);
  const blocks: KeptBlocks = [
    ...grid.matrixShape,
    ...grid.blockShape,
    integers + list.pointers,
    integers + list.indices,
  ];
  return { exports, sums: scratch, blocks };
}

function isOfWeights({ attrs }: WasmCall): boolean {
  return (attrs as unknown as PowerAttributes).of === 'weights';
}

function ofPower({ attrs }: WasmCall): OfFunction {
  const { power } = attrs as unknown as PowerAttributes;
  return [0, 0, Math.floor(power), power - Math.floor(power)];
}

function ofThreshold(name: string, call: WasmCall): OfFunction {
  const { leak } = call.attrs as unknown as ThresholdAttributes;
  return [offsetOf(call.backend, floatInput(name, 'threshold', call, [])), leak, 0, 0];
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  ScaleByPower: scaleByPower,
  ScaleByPowerGrad: scaleByPowerGrad,
  ScaleByThreshold: scaleByThreshold,
  ScaleByThresholdGrad: scaleByThresholdGrad,
};
