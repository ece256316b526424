/**
 * `BlockSparseWeightGradient` in WGSL: a workgroup computes xᵀ·dy at one kept block (64 × 64 of it, where blocks are
 * larger), over the whole batch. A thread computes 4 × 4 of it; threads that a small block leaves over share the
 * rows of the batch among them, and add up at the end.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import { devicePattern } from '../../backends/webgpu/device-pattern.js';
import { runShader, withElements, type WebgpuCall } from '../../backends/webgpu/program.js';
import type { PatternAttribute } from '../../pattern.js';

const LARGEST = 64;
const THREADS = 64;

interface Tile {
  /** Threads one below the other and side by side, each for 4 × 4 weights. */
  readonly down: number;
  readonly across: number;
  /** Threads that share the same weights, a power of two. */
  readonly shares: number;
  /** Rows of the batch in workgroup memory at a time, a multiple of `shares`. */
  readonly deep: number;
}

export function weightGradient({ inputs, attributes, backend }: WebgpuCall<PatternAttribute>): TensorInfo {
  const { pattern } = attributes;
  const { matrixShape, blockShape, blocks } = pattern;
  const { byRows } = devicePattern(backend, pattern);
  const chunks = blockShape.map((size) => Math.ceil(size / LARGEST)) as [number, number];
  const tile = tileOf(blockShape);
  const whole = matrixShape.map((size, axis) => (size % 4 === 0 && blockShape[axis]! % 4 === 0 ? 4 : 1));
  const [wholeX, wholeDy] = whole as [1 | 4, 1 | 4];
  return withElements(backend, inputs['x']!, (x) =>
    withElements(backend, inputs['dy']!, (dy) =>
      runShader(backend, {
        key: ['blockSparseWeightGradient', ...Object.values(tile), wholeX, wholeDy].join('_'),
        code: codeOf(tile, wholeX, wholeDy),
        inputs: [
          { name: 'x', info: x, components: wholeX },
          { name: 'dy', info: dy, components: wholeDy },
          { name: 'blockList', info: byRows },
        ],
        outputShape: [pattern.size],
        outputComponents: wholeDy,
        uniforms: {
          batch: inputs['x']!.shape[0]!,
          n: matrixShape[0],
          m: matrixShape[1],
          blockRows: blockShape[0],
          blockColumns: blockShape[1],
          lines: pattern.grid.gridShape[0],
          blocks,
          chunksDown: chunks[0],
          chunksAcross: chunks[1],
        },
        threads: tile.down * tile.across * tile.shares,
        workgroups: blocks * chunks[0] * chunks[1],
      }),
    ),
  );
}

function tileOf(blockShape: readonly [number, number]): Tile {
  const [down, across] = blockShape.map((size) => Math.ceil(Math.min(size, LARGEST) / 4)) as [number, number];
  const shares = 2 ** Math.max(0, Math.floor(Math.log2(THREADS / (down * across))));
  return { down, across, shares, deep: Math.max(16, shares) };
}

function codeOf({ down, across, shares, deep }: Tile, wholeX: 1 | 4, wholeDy: 1 | 4): string {
  const own = down * across;
  const threads = own * shares;
  const rows = [0, 1, 2, 3];
  return `
    var<workgroup> xTile : array<vec4<f32>, ${deep * down}>;
    var<workgroup> dyTile : array<vec4<f32>, ${deep * across}>;
    ${shares > 1 ? `var<workgroup> sums : array<vec4<f32>, ${4 * threads}>;` : ''}

    ${readFour('x', 'n', wholeX)}
    ${readFour('dy', 'm', wholeDy)}

    fn main(index : i32) {
      let thread = i32(localIndex);
      let tx = thread % ${across};
      let ty = (thread / ${across}) % ${down};
      let share = thread / ${own};
      let task = index / ${threads};
      let chunks = uniforms.chunksDown * uniforms.chunksAcross;
      // What is beyond the last block computes that again, and does not write.
      let block = min(task / chunks, uniforms.blocks - 1);
      let chunk = vec2<i32>((task % chunks) / uniforms.chunksAcross, (task % chunks) % uniforms.chunksAcross);
      let list = uniforms.lines + 1 + block;
      let corner = vec2<i32>(blockList[list + 2 * uniforms.blocks], blockList[list]) *
        vec2<i32>(uniforms.blockRows, uniforms.blockColumns);
      let end = min(corner + vec2<i32>(uniforms.blockRows, uniforms.blockColumns), vec2<i32>(uniforms.n, uniforms.m));
      let first = corner + chunk * ${LARGEST};
      ${rows.map((r) => `var sum${r} = vec4<f32>(0.0);`).join('\n      ')}

      for (var slice = 0; slice < uniforms.batch; slice += ${deep}) {
        for (var t = thread; t < ${deep * down}; t += ${threads}) {
          xTile[t] = fourOf_x(slice + t / ${down}, first.x + 4 * (t % ${down}), end.x);
        }
        for (var t = thread; t < ${deep * across}; t += ${threads}) {
          dyTile[t] = fourOf_dy(slice + t / ${across}, first.y + 4 * (t % ${across}), end.y);
        }
        workgroupBarrier();
        for (var k = share; k < ${deep}; k += ${shares}) {
          let a = xTile[k * ${down} + ty];
          let b = dyTile[k * ${across} + tx];
          ${['x', 'y', 'z', 'w'].map((axis, r) => `sum${r} = fma(vec4<f32>(a.${axis}), b, sum${r});`).join('\n          ')}
        }
        workgroupBarrier();
      }
      ${shares > 1 ? addShares(own, threads, shares) : ''}

      let row = first.x - corner.x + 4 * ty;
      let column = first.y - corner.y + 4 * tx;
      let extent = end - corner;
      let at = blockList[list + uniforms.blocks] + row * extent.y + column;
      if (share == 0 && task < uniforms.blocks * chunks && column < extent.y) {
        ${rows.map((r) => writeRow(r, wholeDy)).join('\n        ')}
      }
    }`;
}

/** Four numbers of a row of the batch from a column on, zeros beyond the batch and from column end. */
function readFour(name: string, size: string, components: 1 | 4): string {
  const four =
    components === 4
      ? `if (column < end) { return ${name}[(row * uniforms.${size} + column) / 4]; } return vec4<f32>(0.0);`
      : `var four = vec4<f32>(0.0);
      for (var i = 0; i < 4; i++) {
        if (column + i < end) { four[i] = ${name}[row * uniforms.${size} + column + i]; }
      }
      return four;`;
  return `fn fourOf_${name}(row : i32, column : i32, end : i32) -> vec4<f32> {
      if (row >= uniforms.batch) { return vec4<f32>(0.0); }
      ${four}
    }`;
}

/** The sums of all shares, in the first. */
function addShares(own: number, threads: number, shares: number): string {
  return `
      ${[0, 1, 2, 3].map((r) => `sums[thread + ${r * threads}] = sum${r};`).join(' ')}
      workgroupBarrier();
      for (var half = ${shares / 2}; half > 0; half /= 2) {
        if (share < half) {
          for (var r = 0; r < 4; r++) {
            sums[thread + r * ${threads}] += sums[thread + half * ${own} + r * ${threads}];
          }
        }
        workgroupBarrier();
      }
      ${[0, 1, 2, 3].map((r) => `sum${r} = sums[thread + ${r * threads}];`).join(' ')}`;
}

function writeRow(r: number, components: 1 | 4): string {
  const write =
    components === 4
      ? `result[(at + ${r} * extent.y) / 4] = sum${r};`
      : [0, 1, 2, 3]
          .map(
            (i) => `if (column + ${i} < extent.y) { result[at + ${r} * extent.y + ${i}] = sum${r}[${i}]; }`,
          )
          .join(' ');
  return `if (row + ${r} < extent.x) { ${write} }`;
}
