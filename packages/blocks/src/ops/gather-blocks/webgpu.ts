/** `GatherBlocks` and `ScatterBlocks` in WGSL. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { devicePattern } from '../../backends/webgpu/device-pattern.js';
import { gridUniforms, perBlock, THREADS } from '../../backends/webgpu/per-block.js';
import { runShader, withElements, type WebgpuCall } from '../../backends/webgpu/program.js';
import type { PatternAttribute } from '../../pattern.js';

/** GatherBlocks: `matrix` → values. */
function gatherBlocks({
  inputs,
  attributes: { pattern },
  backend,
}: WebgpuCall<PatternAttribute>): TensorInfo {
  return runShader(backend, {
    ...perBlock('gatherBlocks', pattern, 'result[value] = matrix[weight];'),
    inputs: [
      { name: 'matrix', info: inputs['matrix']! },
      { name: 'blockList', info: devicePattern(backend, pattern).byRows },
    ],
    outputShape: [pattern.size],
  });
}

/** ScatterBlocks: `values` → matrix, a number a thread. */
function scatterBlocks({
  inputs,
  attributes: { pattern },
  backend,
}: WebgpuCall<PatternAttribute>): TensorInfo {
  const [n, m] = pattern.matrixShape;
  return withElements(backend, inputs['values']!, (values) =>
    runShader(backend, {
      key: 'scatterBlocks',
      inputs: [
        { name: 'values', info: values },
        { name: 'starts', info: devicePattern(backend, pattern).starts },
      ],
      outputShape: [n, m],
      uniforms: gridUniforms(pattern),
      threads: THREADS,
      workgroups: Math.ceil((n * m) / THREADS),
      code: `
        fn main(index : i32) {
          if (index < uniforms.n * uniforms.m) {
            let at = vec2<i32>(index / uniforms.m, index % uniforms.m);
            let shape = vec2<i32>(uniforms.blockRows, uniforms.blockColumns);
            let block = at / shape;
            let inside = at - block * shape;
            let width = min(shape.y, uniforms.m - block.y * shape.y);
            let start = starts[block.x * uniforms.gridColumns + block.y];
            var value = 0.0;
            if (start >= 0) { value = values[start + inside.x * width + inside.y]; }
            result[index] = value;
          }
        }`,
    }),
  );
}

export const kernels = { GatherBlocks: gatherBlocks, ScatterBlocks: scatterBlocks };
