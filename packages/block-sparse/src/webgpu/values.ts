/** What moves and scales the values of kept blocks, in WGSL. */
import type { TensorInfo } from '@tensorflow/tfjs';

import type { PatternAttribute } from '../attributes.js';
import type { BlockPattern } from '../pattern.js';
import { devicePattern } from './device-pattern.js';
import { runShader, withElements, type Call, type Shader } from './program.js';

const THREADS = 64;

/** GatherBlocks: `matrix` → values. */
export function gatherBlocks({
  inputs,
  attributes: { pattern },
  backend,
}: Call<PatternAttribute>): TensorInfo {
  return runShader(backend, {
    ...perBlock('gatherBlocks', pattern, 'result[value] = matrix[weight];'),
    inputs: [
      { name: 'matrix', info: inputs['matrix']! },
      { name: 'blockList', info: devicePattern(backend, pattern).byRows },
    ],
    outputShape: [pattern.size],
  });
}

/** ScaleBlockValues: `values`, `scale` → values. */
export function scaleBlockValues({
  inputs,
  attributes: { pattern },
  backend,
}: Call<PatternAttribute>): TensorInfo {
  return withElements(backend, inputs['values']!, (values) =>
    runShader(backend, {
      ...perBlock('scaleBlockValues', pattern, 'result[value] = values[value] * scale[block];'),
      inputs: [
        { name: 'values', info: values },
        { name: 'scale', info: inputs['scale']! },
        { name: 'blockList', info: devicePattern(backend, pattern).byRows },
      ],
      outputShape: [pattern.size],
    }),
  );
}

/** ScatterBlocks: `values` → matrix, a number a thread. */
export function scatterBlocks({
  inputs,
  attributes: { pattern },
  backend,
}: Call<PatternAttribute>): TensorInfo {
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

/** BlockValuesDot: `a`, `b` → `[R, C]`, a team of threads a block of the grid. */
export function blockValuesDot({
  inputs,
  attributes: { pattern },
  backend,
}: Call<PatternAttribute>): TensorInfo {
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

/**
 * A shader that does something with every value of every kept block: a team of threads a block.
 *
 * @param body what it does, with the indices of the `value`, its `weight` in the matrix, and its `block` of the grid
 */
function perBlock(
  name: string,
  pattern: BlockPattern,
  body: string,
): Pick<Shader, 'key' | 'code' | 'threads' | 'workgroups' | 'uniforms'> {
  const team = teamOf(pattern);
  return {
    key: `${name}_${team}`,
    threads: THREADS,
    workgroups: Math.ceil((pattern.blocks * team) / THREADS),
    uniforms: { ...gridUniforms(pattern), blocks: pattern.blocks },
    code: `
      fn main(index : i32) {
        let at = index / ${team};
        if (at < uniforms.blocks) {
          let list = uniforms.gridRows + 1 + at;
          let place = vec2<i32>(blockList[list + 2 * uniforms.blocks], blockList[list]);
          let start = blockList[list + uniforms.blocks];
          let shape = vec2<i32>(uniforms.blockRows, uniforms.blockColumns);
          let corner = place * shape;
          let extent = min(shape, vec2<i32>(uniforms.n, uniforms.m) - corner);
          let block = place.x * uniforms.gridColumns + place.y;
          for (var i = index % ${team}; i < extent.x * extent.y; i += ${team}) {
            let value = start + i;
            let weight = (corner.x + i / extent.y) * uniforms.m + corner.y + i % extent.y;
            ${body}
          }
        }
      }`,
  };
}

function gridUniforms({ matrixShape, blockShape, grid }: BlockPattern): Record<string, number> {
  return {
    n: matrixShape[0],
    m: matrixShape[1],
    blockRows: blockShape[0],
    blockColumns: blockShape[1],
    gridRows: grid.gridShape[0],
    gridColumns: grid.gridShape[1],
  };
}

/** Threads for a block, a power of two: a small one takes a part of a workgroup. */
function teamOf({ blockShape }: BlockPattern): number {
  return Math.min(THREADS, 2 ** Math.max(0, Math.ceil(Math.log2((blockShape[0] * blockShape[1]) / 4))));
}
