/** `ScaleBlockValues` and `BlockValuesDot` in WGSL. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { devicePattern } from '../../backends/webgpu/device-pattern.js';
import { gridUniforms, perBlock, teamOf, THREADS } from '../../backends/webgpu/per-block.js';
import { runShader, withElements, type WebgpuCall } from '../../backends/webgpu/program.js';
import type { PatternAttribute } from '../../pattern.js';

/** ScaleBlockValues: `values`, `scale` → values. */
function scaleBlockValues({
  inputs,
  attributes: { pattern },
  backend,
}: WebgpuCall<PatternAttribute>): TensorInfo {
  return withElements(backend, inputs['values']!, (values) =>
    runShader(backend, {
      ...perBlock(
        'scaleBlockValues',
        pattern,
        'result[value] = select(values[value] * scale[block], 0.0, scale[block] == 0.0);',
      ),
      inputs: [
        { name: 'values', info: values },
        { name: 'scale', info: inputs['scale']! },
        { name: 'blockList', info: devicePattern(backend, pattern).byRows },
      ],
      outputShape: [pattern.size],
    }),
  );
}

/** BlockValuesDot: `a`, `b` → `[R, C]`, a team of threads a block of the grid. */
function blockValuesDot({
  inputs,
  attributes: { pattern },
  backend,
}: WebgpuCall<PatternAttribute>): TensorInfo {
  const { grid } = pattern;
  const team = teamOf(pattern);
  return withElements(backend, inputs['a']!, (a) =>
    withElements(backend, inputs['b']!, (b) =>
      runShader(backend, {
        key: `blockValuesDot_${team}`,
        inputs: [
          { name: 'a', info: a },
          { name: 'b', info: b },
          { name: 'starts', info: devicePattern(backend, pattern).starts },
        ],
        outputShape: grid.gridShape,
        uniforms: gridUniforms(pattern),
        threads: THREADS,
        workgroups: Math.ceil((grid.blocks * team) / THREADS),
        code: `
          var<workgroup> sums : array<f32, ${THREADS}>;

          fn main(index : i32) {
            let at = index / ${team};
            let member = index % ${team};
            let shape = vec2<i32>(uniforms.blockRows, uniforms.blockColumns);
            let corner = vec2<i32>(at / uniforms.gridColumns, at % uniforms.gridColumns) * shape;
            let extent = min(shape, vec2<i32>(uniforms.n, uniforms.m) - corner);
            let inGrid = at < uniforms.gridRows * uniforms.gridColumns;
            var start = -1;
            if (inGrid) { start = starts[at]; }
            var sum = 0.0;
            if (start >= 0) {
              for (var i = member; i < extent.x * extent.y; i += ${team}) { sum += a[start + i] * b[start + i]; }
            }
            sums[localIndex] = sum;
            workgroupBarrier();
            for (var half = ${team >> 1}; half > 0; half /= 2) {
              if (member < half) { sums[localIndex] += sums[localIndex + u32(half)]; }
              workgroupBarrier();
            }
            if (member == 0 && inGrid) { result[at] = sums[localIndex]; }
          }`,
      }),
    ),
  );
}

export const kernels = { ScaleBlockValues: scaleBlockValues, BlockValuesDot: blockValuesDot };
