// ScaleBlocks, ScaleBlocksGrad and BlockDot on the wasm backend. The arithmetic is in wasm.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import type { Cut } from '../../backends/wasm/module.js';
import { exportsOf } from '../../backends/wasm/training.js';
import { growingWorkspace, newOutput, offsetOf, oncePerBackend } from '../../backends/wasm/heap.js';
import { floatInput } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { blockGrid, type BlockGrid } from '../../grid.js';
import type { BlockAttributes } from './attributes.js';

interface Exports {
  scaleBlocks(matrix: number, scale: number, out: number, ...cut: Cut): void;
  scaleBlocksGrad(
    dy: number,
    matrix: number,
    scale: number,
    dMatrix: number,
    dScale: number,
    ...cut: [...Cut, sums: number]
  ): void;
  blockDot(a: number, b: number, out: number, ...cut: Cut): void;
}

/** matrix [n, m], scale [R, C] → [n, m]. */
function scaleBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const matrix = floatInput('ScaleBlocks', 'matrix', call, [null, null]);
  const grid = gridOf(matrix, call);
  const scale = floatInput('ScaleBlocks', 'scale', call, grid.gridShape);
  const out = newOutput(backend, grid.matrixShape);
  const offsets = [matrix, scale, out].map((x) => offsetOf(backend, x)) as [number, number, number];
  exportsOf<Exports>(backend).scaleBlocks(...offsets, ...grid.matrixShape, ...grid.blockShape);
  return out;
}

/** dy and the matrix [n, m], scale [R, C] → the gradients by the matrix [n, m] and by the scale [R, C]. */
function scaleBlocksGrad(call: WasmCall): TensorInfo[] {
  const { backend } = call;
  const matrix = floatInput('ScaleBlocksGrad', 'matrix', call, [null, null]);
  const grid = gridOf(matrix, call);
  const dy = floatInput('ScaleBlocksGrad', 'dy', call, grid.matrixShape);
  const scale = floatInput('ScaleBlocksGrad', 'scale', call, grid.gridShape);
  const dMatrix = newOutput(backend, grid.matrixShape);
  const dScale = newOutput(backend, grid.gridShape);
  const tensors = [dy, matrix, scale, dMatrix, dScale];
  const offsets = tensors.map((x) => offsetOf(backend, x)) as [number, number, number, number, number];
  const sums = workspaceOf(backend)(16 * grid.gridShape[1]);
  exportsOf<Exports>(backend).scaleBlocksGrad(...offsets, ...grid.matrixShape, ...grid.blockShape, sums);
  return [dMatrix, dScale];
}

/** a, b [n, m] → [R, C]. */
function blockDot(call: WasmCall): TensorInfo {
  const { backend } = call;
  const a = floatInput('BlockDot', 'a', call, [null, null]);
  const grid = gridOf(a, call);
  const b = floatInput('BlockDot', 'b', call, grid.matrixShape);
  const out = newOutput(backend, grid.gridShape);
  const offsets = [a, b, out].map((x) => offsetOf(backend, x)) as [number, number, number];
  exportsOf<Exports>(backend).blockDot(...offsets, ...grid.matrixShape, ...grid.blockShape);
  return out;
}

const workspaceOf = oncePerBackend(growingWorkspace);

function gridOf({ shape }: TensorInfo, { attrs }: WasmCall): BlockGrid {
  return blockGrid(shape as [number, number], (attrs as unknown as BlockAttributes).blockShape);
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  ScaleBlocks: scaleBlocks,
  ScaleBlocksGrad: scaleBlocksGrad,
  BlockDot: blockDot,
};
