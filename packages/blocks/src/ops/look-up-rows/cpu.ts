/** `LookUpRows` and its adjoint, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import type { BlockPattern, PatternAttribute } from '../../pattern.js';
import { noSuchRow } from './no-such-row.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;

/** values `[size]`, rows `[count]` → `[count, m]`. */
function lookUpRows({ values, rows }: Inputs<'values' | 'rows'>, { pattern }: PatternAttribute): CpuTensor {
  const [, m] = pattern.matrixShape;
  const out = new Float32Array(rows.values.length * m);
  eachPart(rows.values, pattern, (inRows, inValues, width) =>
    out.set(values.values.subarray(inValues, inValues + width), inRows),
  );
  return { shape: [rows.values.length, m], values: out };
}

/** dy `[count, m]`, rows `[count]` → `[size]`. */
function lookUpRowsGradient({ dy, rows }: Inputs<'dy' | 'rows'>, { pattern }: PatternAttribute): CpuTensor {
  const sums = new Float64Array(pattern.size);
  eachPart(rows.values, pattern, (inRows, inValues, width) => {
    for (let j = 0; j < width; j++) sums[inValues + j]! += dy.values[inRows + j]!;
  });
  return { shape: [pattern.size], values: Float32Array.from(sums) };
}

/** Visits what each row has in kept blocks: where that begins in the result, and among the values. */
function eachPart(
  rows: ArrayLike<number>,
  pattern: BlockPattern,
  visit: (inRows: number, inValues: number, width: number) => void,
): void {
  const { pointers, indices, offsets, matrixShape, blockShape } = pattern;
  const [n, m] = matrixShape;
  const [blockRows, blockColumns] = blockShape;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!(row >= 0 && row < n)) throw noSuchRow(row, pattern);
    const blockRow = Math.floor(row / blockRows);
    for (let at = pointers[blockRow]!; at < pointers[blockRow + 1]!; at++) {
      const left = indices[at]! * blockColumns;
      const width = Math.min(blockColumns, m - left);
      visit(i * m + left, offsets[at]! + (row - blockRow * blockRows) * width, width);
    }
  }
}

export const kernels = { LookUpRows: lookUpRows, LookUpRowsGradient: lookUpRowsGradient };
