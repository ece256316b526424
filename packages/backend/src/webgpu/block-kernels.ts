/**
 * `ScaleBlocks` and `BlockDot` in WGSL: the two kernels that `@espalier/core` composes of many where a backend does
 * not have them. The wasm backend gets its own from `@espalier/training-kernels`.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import { registerKernel, type KernelCall, type Program } from './kernel.js';

interface BlockAttributes {
  readonly blockShape: readonly [number, number];
}

/** Registers both. */
export function registerBlockKernels(): void {
  registerKernel('ScaleBlocks', scaleBlocks);
  registerKernel('BlockDot', blockDot);
}

const THREADS = 64;

/** `out[i, j] = matrix[i, j] · scale[⌊i / Br⌋, ⌊j / Bc⌋]`; a block scaled by zero is zero whatever it held. */
function scaleBlocks({ inputs, attributes, backend }: KernelCall<BlockAttributes>): TensorInfo {
  const { matrix, scale } = inputs;
  const [blockRows, blockColumns] = attributes.blockShape;
  const [n, m] = matrix!.shape as [number, number];
  // Four weights a thread where all four are of one block.
  const together = m % 4 === 0 && blockColumns % 4 === 0 ? 4 : 1;
  const vector = together === 4 ? 'vec4<f32>' : 'f32';
  const program: Program = {
    variableNames: ['matrix', 'scale'],
    variableComponents: [together, 1],
    outputComponent: together,
    outputShape: [n, m],
    uniforms: 'block : vec2<i32>,',
    workgroupSize: [THREADS, 1, 1],
    dispatchLayout: { x: [0, 1] },
    dispatch: [Math.ceil((n * m) / together / THREADS), 1, 1],
    size: true,
    shaderKey: `scaleBlocks_${together}`,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let first = index * ${together};
          let row = first / uniforms.outShape.y;
          let column = first - row * uniforms.outShape.y;
          let at = (row / uniforms.block.x) * uniforms.scaleShape.y + column / uniforms.block.y;
          let factor = scale[at];
          result[index] = select(matrix[index] * factor, ${vector}(0.0), factor == 0.0);
        }
      }`,
  };
  const block = [{ type: 'int32', data: [blockRows, blockColumns] }];
  return backend.runWebGPUProgram(program, [matrix!, scale!], 'float32', block);
}

/** `out[p, q] = Σ a · b` over block `(p, q)`. */
function blockDot({ inputs, attributes, backend }: KernelCall<BlockAttributes>): TensorInfo {
  const { a, b } = inputs;
  const [blockRows, blockColumns] = attributes.blockShape;
  const [n, m] = a!.shape as [number, number];
  const outputShape = [Math.ceil(n / blockRows), Math.ceil(m / blockColumns)] as const;
  const blocks = outputShape[0] * outputShape[1];
  // A small block takes a part of the workgroup, so that its threads have something to do.
  const team = Math.min(THREADS, powerOfTwoFrom((blockRows * blockColumns) / 4));
  const program: Program = {
    variableNames: ['a', 'b'],
    outputShape: [...outputShape],
    uniforms: 'block : vec2<i32>,',
    workgroupSize: [THREADS, 1, 1],
    dispatchLayout: { x: [0, 1] },
    dispatch: [Math.ceil(blocks / (THREADS / team)), 1, 1],
    size: true,
    shaderKey: `blockDot_${team}`,
    getUserCode: () => `
      var<workgroup> sums : array<f32, ${THREADS}>;

      fn main(index : i32) {
        let at = index / ${team};
        let member = index % ${team};
        let first = vec2<i32>(at / uniforms.outShape.y, at % uniforms.outShape.y) * uniforms.block;
        // Ragged at the last row and column of blocks, empty beyond the last block.
        let extent = select(vec2<i32>(0), min(uniforms.block, uniforms.aShape - first), at < uniforms.size);
        var sum = 0.0;
        for (var i = member; i < extent.x * extent.y; i += ${team}) {
          let row = i / extent.y;
          let weight = (first.x + row) * uniforms.aShape.y + first.y + i - row * extent.y;
          sum += a[weight] * b[weight];
        }
        sums[localIndex] = sum;
        workgroupBarrier();
        for (var half = ${team >> 1}; half > 0; half /= 2) {
          if (member < half) { sums[localIndex] += sums[localIndex + u32(half)]; }
          workgroupBarrier();
        }
        if (member == 0 && at < uniforms.size) { result[at] = sums[localIndex]; }
      }`,
  };
  const block = [{ type: 'int32', data: [blockRows, blockColumns] }];
  return backend.runWebGPUProgram(program, [a!, b!], 'float32', block);
}

function powerOfTwoFrom(n: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(n)));
}
