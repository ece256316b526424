/** What shaders over the blocks of a pattern have in common. */
import type { BlockPattern } from '../../pattern.js';
import type { Shader } from './program.js';

export const THREADS = 64;

/**
 * A shader that does something with every value of every kept block: a team of threads a block.
 *
 * @param body what it does, with the indices of the `value`, its `weight` in the matrix, and its `block` of the grid
 */
export function perBlock(
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

export function gridUniforms({ matrixShape, blockShape, grid }: BlockPattern): Record<string, number> {
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
export function teamOf({ blockShape }: BlockPattern): number {
  return Math.min(THREADS, 2 ** Math.max(0, Math.ceil(Math.log2((blockShape[0] * blockShape[1]) / 4))));
}
