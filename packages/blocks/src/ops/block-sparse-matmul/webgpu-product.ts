/**
 * `BlockSparseMatMul` in WGSL.
 *
 * A workgroup computes a tile of the output: as many rows as `tileOf` says, and one column of blocks (64 columns of
 * it, where blocks are wider). It goes through the kept blocks of that column; of each it lays a slice, and what
 * multiplies it, into workgroup memory. A thread computes `rowsEach` × 4 numbers of the tile in registers, four
 * steps of the inner dimension at a time.
 *
 * The product with the transposed kernel is the same with rows of blocks for columns, and blocks read across.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import { devicePattern } from '../../backends/webgpu/device-pattern.js';
import {
  runShader,
  withElements,
  type WebgpuBackend,
  type WebgpuCall,
} from '../../backends/webgpu/program.js';
import type { MatMulAttributes } from './attributes.js';

/** How a workgroup cuts its work. */
interface Tile {
  /** Threads side by side: 4 columns each. */
  readonly across: number;
  /** Threads one below the other: `rowsEach` rows each, `down` apart. */
  readonly down: number;
  readonly rowsEach: number;
  /** Steps of the inner dimension in workgroup memory at a time, a multiple of 4. */
  readonly deep: number;
}

interface Sides {
  /** Of a block, along the output's columns and along the inner dimension. */
  readonly width: number;
  readonly depth: number;
  /** Lines of blocks: columns of them, or rows when transposed. */
  readonly lines: number;
}

/** Columns that a workgroup computes at most; at least as many are left to the next. */
const WIDEST = 64;

export function matMul({ inputs, attributes, backend }: WebgpuCall<MatMulAttributes>): TensorInfo {
  return withElements(backend, inputs['values']!, (values) =>
    product(backend, { ...inputs, values }, attributes),
  );
}

function product(
  backend: WebgpuBackend,
  { x, values, bias }: WebgpuCall<MatMulAttributes>['inputs'],
  { pattern, transposed, activation }: MatMulAttributes,
): TensorInfo {
  const { matrixShape, blockShape, grid } = pattern;
  const to = transposed ? 0 : 1;
  const [width, depth] = [blockShape[to], blockShape[1 - to] as number];
  const lines = grid.gridShape[to];
  const [batch, inner] = x!.shape as [number, number];
  const outer = matrixShape[to];
  const chunks = Math.ceil(width / WIDEST);
  const tile = tileOf({ width, depth, lines: lines * chunks }, batch);

  // Whether every line of the array, and every block's part of it, is whole groups of four.
  const fours = (size: number, block: number) => size % 4 === 0 && block % 4 === 0;
  const wholeX = fours(inner, depth) ? 4 : 1;
  const wholeOut = fours(outer, width) ? 4 : 1;
  const wholeValues = !transposed && wholeOut === 4 ? 4 : 1;
  const copy = devicePattern(backend, pattern);
  return runShader(backend, {
    key: ['blockSparseMatMul', ...Object.values(tile), wholeX, wholeOut, transposed, activation].join('_'),
    code: codeOf(tile, { wholeX, wholeOut, wholeValues, transposed, activation, biased: bias !== undefined }),
    inputs: [
      { name: 'x', info: x!, components: wholeX },
      { name: 'values', info: values!, components: wholeValues },
      { name: 'blockList', info: transposed ? copy.byRows : copy.byColumns },
      ...(bias ? [{ name: 'bias', info: bias, components: wholeOut }] : []),
    ],
    outputShape: [batch, outer],
    outputComponents: wholeOut,
    uniforms: { lines, chunks, blocks: pattern.blocks, blockWidth: width, blockDepth: depth },
    threads: tile.across * tile.down,
    workgroups: lines * chunks * Math.ceil(batch / (tile.down * tile.rowsEach)),
  });
}

/** Rows below which a card is not kept busy, in workgroups. */
const ENOUGH_WORKGROUPS = 512;

function tileOf({ width, depth, lines }: Sides, batch: number): Tile {
  const across = Math.ceil(Math.min(width, WIDEST) / 4);
  // Blocks of few columns leave room for more rows; about a hundred threads keep their workgroup memory under 16 KiB.
  const down = across <= 2 ? 32 : across <= 8 ? 16 : 8;
  const deepest = across <= 2 ? 8 : 16;
  const slices = Math.ceil(depth / deepest);
  let rowsEach = 8;
  const busy = (rows: number) => lines * Math.ceil(batch / (down * rows)) >= ENOUGH_WORKGROUPS;
  while (rowsEach > 2 && !busy(rowsEach)) rowsEach /= 2;
  return { across, down, rowsEach, deep: 4 * Math.ceil(depth / slices / 4) };
}

interface Variant {
  /** 4 where the array is read (or written) as `vec4`, else 1. */
  readonly wholeX: 1 | 4;
  readonly wholeValues: 1 | 4;
  readonly wholeOut: 1 | 4;
  readonly transposed: boolean;
  readonly activation: string;
  readonly biased: boolean;
}

function codeOf({ across, down, rowsEach, deep }: Tile, variant: Variant): string {
  const threads = across * down;
  const rows = down * rowsEach;
  const fours = deep / 4;
  // Lines of workgroup memory are an odd number of vec4 long, so that neighbours lie in different banks.
  const xStride = fours | 1;
  const wStride = across | 1;
  const each = Array.from({ length: rowsEach }, (_, i) => i);
  return `
    var<workgroup> span : vec2<i32>;
    var<workgroup> xTile : array<vec4<f32>, ${rows * xStride}>;
    var<workgroup> wTile : array<vec4<f32>, ${deep * wStride}>;

    // Four numbers of a row of x from column k, zeros from column end.
    fn fourOfX(row : i32, k : i32, end : i32) -> vec4<f32> {
      if (row >= uniforms.xShape.x) { return vec4<f32>(0.0); }
      let at = row * uniforms.xShape.y + k;
      ${fourFrom(
        'x',
        variant.wholeX,
        (i) => `at + ${i}`,
        (i) => `k + ${i} < end`,
      )}
    }

    // Four columns of a row of the block (or, transposed, four rows of a column) whose values begin at start.
    fn fourOfBlock(start : i32, k : i32, column : i32, extent : vec2<i32>) -> vec4<f32> {
      if (k >= extent.x) { return vec4<f32>(0.0); }
      ${
        variant.transposed
          ? fourFrom(
              'values',
              1,
              (i) => `start + (column + ${i}) * extent.x + k`,
              (i) => `column + ${i} < extent.y`,
            )
          : `let at = start + k * extent.y + column;
      ${fourFrom(
        'values',
        variant.wholeValues,
        (i) => `at + ${i}`,
        (i) => `column + ${i} < extent.y`,
      )}`
      }
    }

    fn main(index : i32) {
      let thread = i32(localIndex);
      let tx = thread % ${across};
      let ty = thread / ${across};
      // The tiles, row by row of them; those beyond the last lie below the output, and write nothing.
      let tile = index / ${threads};
      let tilesAcross = uniforms.lines * uniforms.chunks;
      let line = (tile % tilesAcross) / uniforms.chunks;
      let firstInBlock = (tile % uniforms.chunks) * ${WIDEST};
      let firstRow = (tile / tilesAcross) * ${rows};
      let width = min(uniforms.blockWidth, uniforms.outShape.y - line * uniforms.blockWidth);
      ${each.map((r) => `var sum${r} = vec4<f32>(0.0);`).join('\n      ')}

      if (thread == 0) { span = vec2<i32>(blockList[line], blockList[line + 1]); }
      let blocks = workgroupUniformLoad(&span);
      for (var block = blocks.x; block < blocks.y; block++) {
        let first = blockList[uniforms.lines + 1 + block] * uniforms.blockDepth;
        let start = blockList[uniforms.lines + 1 + uniforms.blocks + block];
        let depth = min(uniforms.blockDepth, uniforms.xShape.y - first);
        for (var slice = 0; slice < depth; slice += ${deep}) {
          for (var t = thread; t < ${rows * fours}; t += ${threads}) {
            let k = first + slice + 4 * (t % ${fours});
            xTile[(t / ${fours}) * ${xStride} + t % ${fours}] = fourOfX(firstRow + t / ${fours}, k, first + depth);
          }
          for (var t = thread; t < ${deep * across}; t += ${threads}) {
            ${
              variant.transposed
                ? `let k = t % ${deep}; let column = t / ${deep};`
                : `let k = t / ${across}; let column = t % ${across};`
            }
            wTile[k * ${wStride} + column] =
              fourOfBlock(start, slice + k, firstInBlock + 4 * column, vec2<i32>(depth, width));
          }
          workgroupBarrier();
          for (var k = 0; k < ${fours}; k++) {
            let w0 = wTile[(4 * k) * ${wStride} + tx];
            let w1 = wTile[(4 * k + 1) * ${wStride} + tx];
            let w2 = wTile[(4 * k + 2) * ${wStride} + tx];
            let w3 = wTile[(4 * k + 3) * ${wStride} + tx];
            ${each.map((r) => multiplyRow(r, down, xStride)).join('\n            ')}
          }
          workgroupBarrier();
        }
      }

      let column = firstInBlock + 4 * tx;
      if (column < width) {
        let to = line * uniforms.blockWidth + column;
        ${variant.biased ? `let offset = ${biasOf(variant.wholeOut)};` : ''}
        ${each.map((r) => writeRow(r, down, variant)).join('\n        ')}
      }
    }`;
}

/** Returns four elements of an array, each at its place if its condition holds and else zero. */
function fourFrom(
  array: string,
  components: 1 | 4,
  place: (i: number) => string,
  condition: (i: number) => string,
): string {
  // Where the array is of vec4, four that begin together also end together.
  if (components === 4)
    return `if (${condition(0)}) { return ${array}[(${place(0)}) / 4]; } return vec4<f32>(0.0);`;
  const one = (i: number) => `if (${condition(i)}) { four[${i}] = ${array}[${place(i)}]; }`;
  return `var four = vec4<f32>(0.0); ${[0, 1, 2, 3].map(one).join(' ')} return four;`;
}

function multiplyRow(r: number, down: number, xStride: number): string {
  const steps = ['x', 'y', 'z', 'w'].map(
    (axis, j) => `sum${r} = fma(vec4<f32>(a${r}.${axis}), w${j}, sum${r});`,
  );
  return `let a${r} = xTile[(ty + ${r * down}) * ${xStride} + k]; ${steps.join(' ')}`;
}

function biasOf(components: 1 | 4): string {
  if (components === 4) return 'bias[to / 4]';
  const last = 'uniforms.outShape.y - 1';
  return `vec4<f32>(${[0, 1, 2, 3].map((i) => `bias[min(to + ${i}, ${last})]`).join(', ')})`;
}

function writeRow(r: number, down: number, { wholeOut, activation, biased }: Variant): string {
  const sum = biased ? `sum${r} + offset` : `sum${r}`;
  // Not by max(), which may take the 0 of 0 and NaN.
  const y = activation === 'relu' ? `select(${sum}, vec4<f32>(0.0), ${sum} < vec4<f32>(0.0))` : sum;
  const at = `(firstRow + ty + ${r * down}) * uniforms.outShape.y + to`;
  const write =
    wholeOut === 4
      ? `result[(${at}) / 4] = ${y};`
      : `let y = ${y}; let at = ${at}; ` +
        [0, 1, 2, 3].map((i) => `if (column + ${i} < width) { result[at + ${i}] = y[${i}]; }`).join(' ');
  return `if (firstRow + ty + ${r * down} < uniforms.outShape.x) { ${write} }`;
}
