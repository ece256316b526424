// Goes through what a pattern leaves out of a matrix, in the order of the memory: a segment is what lies side by side in one
// row, over blocks that adjoin.

/** The segment's first byte and its end, from the matrix' first byte on. */
export let start: usize = 0;
export let end: usize = 0;

let rows: i32 = 0;
let columns: i32 = 0;
let blockRows: i32 = 0;
let blockColumns: i32 = 0;
let pointers: usize = 0;
let indices: usize = 0;

let row: i32 = 0;
/** The first column of the row that was not gone through. */
let column: i32 = 0;
/** Of the row's kept blocks the next one, and the end. */
let block: usize = 0;
let lastBlock: usize = 0;

/** Begins, at the pointers and indices of the kept blocks. */
export function begin(
  n: i32,
  m: i32,
  rowsOfBlock: i32,
  columnsOfBlock: i32,
  blockPointers: usize,
  blockIndices: usize,
): void {
  rows = n;
  columns = m;
  blockRows = rowsOfBlock;
  blockColumns = columnsOfBlock;
  pointers = blockPointers;
  indices = blockIndices;
  row = 0;
  beginRow();
}

function beginRow(): void {
  const pointer = pointers + ((<usize>(row / blockRows)) << 2);
  block = indices + ((<usize>load<i32>(pointer)) << 2);
  lastBlock = indices + ((<usize>load<i32>(pointer, 4)) << 2);
  column = 0;
}

/** Goes on to the next segment; false where there is none. */
export function next(): bool {
  while (row < rows) {
    while (column < columns) {
      const from = column;
      const to = block < lastBlock ? load<i32>(block) * blockColumns : columns;
      column = min(to + blockColumns, columns);
      block += 4;
      if (from == to) continue;
      const first = (<usize>row * columns) << 2;
      start = first + ((<usize>from) << 2);
      end = first + ((<usize>to) << 2);
      return true;
    }
    row++;
    if (row < rows) beginRow();
  }
  return false;
}
