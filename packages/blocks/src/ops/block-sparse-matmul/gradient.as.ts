// xᵀ · dy at the kept blocks of a block-sparse matrix, and nowhere else.

import { element, packColumns } from '../../backends/wasm/pack.as';
import { TILE_BYTES, TileWork, tileRows, sumTile } from './tile.as';

/** Bytes before the panels in the scratch memory: the work of a tile, an index and a start of 0, and the sums. */
const HEAD_BYTES: usize = 256;

/** Columns of dy beside one another in a block, in vectors of four: what the last does not fill is zeros. */
// @ts-ignore: decorator
@inline
function padded(width: i32): i32 {
  return (width + 3) & ~3;
}

/** Bytes of scratch memory for `rows` examples at once, in double precision; 16-byte aligned. */
export function gradientScratchBytes(n: i32, m: i32, blockColumns: i32, rows: i32): f64 {
  const columns = <f64>((m + blockColumns - 1) / blockColumns) * <f64>padded(blockColumns);
  return <f64>HEAD_BYTES + 4 * <f64>rows * (<f64>((n + 3) & ~3) + columns);
}

/**
 * out = xᵀ · dy at the kept blocks, in the order of storage.
 *
 * @param x [batch, n]
 * @param dy [batch, m]
 * @param pointers, indices, starts the kept blocks of each block row
 * @param columnPointers kept blocks of each block column, only to see which have none
 * @param rowsAtOnce examples that are packed at a time
 */
export function blockSparseGradient(
  batch: i32,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  x: usize,
  dy: usize,
  out: usize,
  pointers: usize,
  indices: usize,
  starts: usize,
  columnPointers: usize,
  scratch: usize,
  rowsAtOnce: i32,
): void {
  const work = changetype<TileWork>(scratch);
  const xPanels = scratch + HEAD_BYTES;
  work.sums = scratch + HEAD_BYTES - TILE_BYTES;
  work.indices = work.sums - 16;
  work.starts = work.indices;
  store<i32>(work.indices, 0);
  work.count = 1;
  work.lastIndex = -1;
  for (let first = 0; first < batch; first += rowsAtOnce) {
    const rows = min(rowsAtOnce, batch - first);
    const dyPanels = xPanels + ((<usize>rows * ((n + 3) & ~3)) << 2);
    work.depth = rows;
    packX(element(x, n, first, 0), n, rows, blockRows, pointers, xPanels);
    packDy(element(dy, m, first, 0), m, rows, blockColumns, columnPointers, dyPanels);
    for (let row = 0, p = 0; row < n; row += blockRows, p++) {
      const height = min(blockRows, n - row);
      const panelX = xPanels + ((<usize>row * rows) << 2);
      const end = load<i32>(pointers + (<usize>p << 2), 4);
      for (let at = load<i32>(pointers + (<usize>p << 2)); at < end; at++) {
        const q = load<i32>(indices + (<usize>at << 2));
        const width = min(blockColumns, m - q * blockColumns);
        const panelDy = dyPanels + ((<usize>q * padded(blockColumns) * rows) << 2);
        const block = out + (<usize>load<i32>(starts + (<usize>at << 2)) << 2);
        blockGradient(work, panelX, panelDy, height, width, rows, block, first > 0);
      }
    }
  }
}

function blockGradient(
  work: TileWork,
  panelX: usize,
  panelDy: usize,
  height: i32,
  width: i32,
  rows: i32,
  block: usize,
  accumulate: bool,
): void {
  for (let i = 0; i < height; ) {
    const tile = tileRows(height - i, false);
    work.values = panelX + ((<usize>i * rows) << 2);
    work.step = tile;
    for (let j = 0; j < width; ) {
      const vectors = width - j > 4 ? 2 : 1;
      work.panel = panelDy + ((<usize>j * rows) << 2);
      sumTile(tile, vectors, false, work);
      storeTile(work.sums, tile, vectors, element(block, width, i, j), width, min(4 * vectors, width - j), accumulate);
      j += 4 * vectors;
    }
    i += tile;
  }
}

/** The rows of a block are taken in tiles; each is a panel [rows][tile]. */
function packX(x: usize, n: i32, rows: i32, blockRows: i32, pointers: usize, panels: usize): void {
  for (let row = 0; row < n; row += blockRows) {
    const height = min(blockRows, n - row);
    if (load<i32>(pointers) < load<i32>(pointers, 4)) {
      for (let i = 0; i < height; ) {
        const tile = tileRows(height - i, false);
        packColumns(element(x, n, 0, row + i), n, rows, tile, tile, panels + ((<usize>(row + i) * rows) << 2));
        i += tile;
      }
    }
    pointers += 4;
  }
}

/** The columns of a block are taken in vectors, two at a time; each pair is a panel [rows][8], a last one [rows][4]. */
function packDy(dy: usize, m: i32, rows: i32, blockColumns: i32, columnPointers: usize, panels: usize): void {
  for (let column = 0; column < m; column += blockColumns) {
    const width = min(blockColumns, m - column);
    if (load<i32>(columnPointers) < load<i32>(columnPointers, 4)) {
      for (let j = 0; j < width; ) {
        const pitch = width - j > 4 ? 8 : 4;
        const to = panels + ((<usize>j * rows) << 2);
        packColumns(element(dy, m, 0, column + j), m, rows, min(pitch, width - j), pitch, to);
        j += pitch;
      }
    }
    columnPointers += 4;
    panels += (<usize>padded(blockColumns) * rows) << 2;
  }
}

/** Writes, or adds, sums [height][4 · vectors] to the rows of a block. */
function storeTile(
  sums: usize,
  height: i32,
  vectors: i32,
  to: usize,
  stride: i32,
  width: i32,
  accumulate: bool,
): void {
  for (let i = 0; i < height; i++) {
    let j = 0;
    for (; j + 4 <= width; j += 4) {
      const at = to + (<usize>j << 2);
      const value = v128.load(sums + (<usize>j << 2));
      v128.store(at, accumulate ? f32x4.add(v128.load(at), value) : value);
    }
    for (; j < width; j++) {
      const at = to + (<usize>j << 2);
      const value = load<f32>(sums + (<usize>j << 2));
      store<f32>(at, accumulate ? load<f32>(at) + value : value);
    }
    sums += <usize>vectors << 4;
    to += <usize>stride << 2;
  }
}
