/** `ScaleBlocks` and `BlockDot` in WGSL. Both gradients of the former are one of each. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { runShader, type WebgpuCall } from '../../backends/webgpu/program.js';
import { blockGrid } from '../../grid.js';
import type { BlockAttributes } from './attributes.js';

type Call = WebgpuCall<BlockAttributes>;

const THREADS = 64;

/** matrix `[n, m]`, scale `[R, C]` → `[n, m]`; a block scaled by zero is zero, whatever it held. */
function scaleBlocks({ inputs, attributes, backend }: Call): TensorInfo {
  const matrix = inputs['matrix']!;
  const { matrixShape, blockShape } = blockGrid(matrix.shape as [number, number], attributes.blockShape);
  const [n, m] = matrixShape;
  // Four weights a thread where all four are of one block.
  const together = m % 4 === 0 && blockShape[1] % 4 === 0 ? 4 : 1;
  const vector = together === 4 ? 'vec4<f32>' : 'f32';
  return runShader(backend, {
    key: `scaleBlocks_${together}`,
    inputs: [
      { name: 'matrix', info: matrix, components: together },
      { name: 'scale', info: inputs['scale']! },
    ],
    outputShape: [n, m],
    outputComponents: together,
    uniforms: { count: (n * m) / together, blockRows: blockShape[0], blockColumns: blockShape[1] },
    threads: THREADS,
    workgroups: Math.ceil((n * m) / together / THREADS),
    code: `
      fn main(index : i32) {
        if (index < uniforms.count) {
          let first = index * ${together};
          let row = first / uniforms.outShape.y;
          let column = first - row * uniforms.outShape.y;
          let at = (row / uniforms.blockRows) * uniforms.scaleShape.y + column / uniforms.blockColumns;
          let factor = scale[at];
          result[index] = select(matrix[index] * factor, ${vector}(0.0), factor == 0.0);
        }
      }`,
  });
}

/** a, b `[n, m]` → `[R, C]`: a team of threads a block. */
function blockDot({ inputs, attributes, backend }: Call): TensorInfo {
  const a = inputs['a']!;
  const { blockShape, gridShape, blocks } = blockGrid(a.shape as [number, number], attributes.blockShape);
  // A small block takes a part of the workgroup, so that its threads have something to do.
  const team = Math.min(THREADS, powerOfTwoFrom((blockShape[0] * blockShape[1]) / 4));
  return runShader(backend, {
    key: `blockDot_${team}`,
    inputs: [
      { name: 'a', info: a },
      { name: 'b', info: inputs['b']! },
    ],
    outputShape: gridShape,
    uniforms: { count: blocks, blockRows: blockShape[0], blockColumns: blockShape[1] },
    threads: THREADS,
    workgroups: Math.ceil(blocks / (THREADS / team)),
    code: `
      var<workgroup> sums : array<f32, ${THREADS}>;

      fn main(index : i32) {
        let at = index / ${team};
        let member = index % ${team};
        let block = vec2<i32>(uniforms.blockRows, uniforms.blockColumns);
        let first = vec2<i32>(at / uniforms.outShape.y, at % uniforms.outShape.y) * block;
        // Ragged at the last row and column of blocks, empty beyond the last block.
        let extent = select(vec2<i32>(0), min(block, uniforms.aShape - first), at < uniforms.count);
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
        if (member == 0 && at < uniforms.count) { result[at] = sums[localIndex]; }
      }`,
  });
}

/** dy, matrix `[n, m]`, scale `[R, C]` → `[n, m]` and `[R, C]`. */
function scaleBlocksGrad({ inputs: { dy, matrix, scale }, ...rest }: Call): TensorInfo[] {
  return [
    scaleBlocks({ ...rest, inputs: { matrix: dy!, scale: scale! } }),
    blockDot({ ...rest, inputs: { a: dy!, b: matrix! } }),
  ];
}

function powerOfTwoFrom(n: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(n)));
}

export const kernels = { ScaleBlocks: scaleBlocks, ScaleBlocksGrad: scaleBlocksGrad, BlockDot: blockDot };
