/** A mask as a picture: a cell a block, or a cell some blocks where there are more than can be seen. */
import { INK } from '../palette.js';

export interface Layer {
  /** One byte a block, row by row. */
  readonly blocks: Uint8Array;
  readonly colour: string;
  /** From 0 to 1; 1 when absent. */
  readonly opacity?: number;
}

export interface Picture {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** Of cells that stand for several blocks, so many shades. */
const SHADES = 4;

/** @param box what it is to fit in, in pixels */
export function picture(
  [rows, columns]: readonly [number, number],
  layers: readonly Layer[],
  box: { readonly width: number; readonly height: number },
): Picture {
  const scale = Math.min(box.width / columns, box.height / rows, 12);
  const pool = Math.max(1, Math.ceil(1 / scale));
  const [width, height] = [columns * scale, rows * scale].map((length) => Math.max(2, round(length)));
  const cells = layers.flatMap((layer) => drawn(layer, rows, columns, pool));
  const frame = `<rect width="${width}" height="${height}" fill="none" stroke="${INK.axis.light}" stroke-width="0.75"/>`;
  const inside = `<g transform="scale(${round(scale * pool, 1e4)})" shape-rendering="crispEdges">${cells.join('')}</g>`;
  return { svg: inside + frame, width: width!, height: height! };
}

function drawn(
  { blocks, colour, opacity: most = 1 }: Layer,
  rows: number,
  columns: number,
  pool: number,
): string[] {
  const [down, along] = [Math.ceil(rows / pool), Math.ceil(columns / pool)];
  const shares = new Float32Array(down * along);
  blocks.forEach((bit, block) => {
    if (!bit) return;
    const row = Math.floor(block / columns);
    const cell = Math.floor(row / pool) * along + Math.floor((block - row * columns) / pool);
    shares[cell]! += 1 / (pool * pool);
  });
  const shades = pool === 1 ? 1 : SHADES;
  const shadeOf = Uint8Array.from(shares, (share) => Math.min(shades, Math.ceil(shades * share - 1e-6)));
  return Array.from({ length: shades }, (_, i) => i + 1).flatMap((shade) => {
    const path = runs(shadeOf, shade, along);
    const share = shade < shades ? 0.15 + (0.85 * shade) / shades : 1;
    const opacity = most * share < 1 ? ` fill-opacity="${round(most * share)}"` : '';
    return path ? [`<path d="${path}" fill="${colour}"${opacity}/>`] : [];
  });
}

/** Cells of one shade that lie side by side are one rectangle. */
function runs(shades: Uint8Array, shade: number, along: number): string {
  let path = '';
  for (let cell = 0; cell < shades.length; cell++) {
    if (shades[cell] !== shade) continue;
    const column = cell % along;
    let length = 1;
    while (column + length < along && shades[cell + length] === shade) length += 1;
    path += `M${column} ${Math.floor(cell / along)}h${length}v1h-${length}z`;
    cell += length - 1;
  }
  return path;
}

function round(value: number, places = 100): number {
  return Math.round(places * value) / places;
}
