/** The products, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { blocksOfPattern } from '../../pattern-blocks.js';
import type { PatternAttribute } from '../../pattern.js';
import type { MatMulAttributes } from './attributes.js';

interface MatMulInputs {
  readonly x: CpuTensor;
  readonly values: CpuTensor;
  readonly bias?: CpuTensor;
}

/** `y[b, j] = activation(Σ_i x[b, i] · W[i, j] + bias[j])`; transposed, `y[b, i] = Σ_j x[b, j] · W[i, j]`. */
function matMul(
  { x, values, bias }: MatMulInputs,
  { pattern, transposed, activation }: MatMulAttributes,
): CpuTensor {
  const batch = x.shape[0]!;
  const width = pattern.matrixShape[transposed ? 0 : 1];
  // Sums in double precision: this is what the fast kernels are compared with.
  const sums = new Float64Array(batch * width);
  const weights = values.values;
  for (const { top, left, height, width: across, offset } of blocksOfPattern(pattern)) {
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < across; j++) {
          const [from, to] = transposed ? [left + j, top + i] : [top + i, left + j];
          sums[b * width + to]! += x.values[b * x.shape[1]! + from]! * weights[offset + i * across + j]!;
        }
      }
    }
  }
  const activate = activation === 'relu' ? (sum: number) => (sum < 0 ? 0 : sum) : (sum: number) => sum;
  const y = Float32Array.from(sums, (sum, at) => activate(sum + (bias?.values[at % width] ?? 0)));
  return { shape: [batch, width], values: y };
}

/** `dW[i, j] = Σ_b x[b, i] · dy[b, j]` at the kept blocks. */
function weightGradient(
  { x, dy }: Readonly<Record<'x' | 'dy', CpuTensor>>,
  { pattern }: PatternAttribute,
): CpuTensor {
  const batch = x.shape[0]!;
  const [n, m] = pattern.matrixShape;
  const gradient = new Float32Array(pattern.size);
  for (const { top, left, height, width, offset } of blocksOfPattern(pattern)) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        let sum = 0;
        for (let b = 0; b < batch; b++) sum += x.values[b * n + top + i]! * dy.values[b * m + left + j]!;
        gradient[offset + i * width + j] = sum;
      }
    }
  }
  return { shape: [pattern.size], values: gradient };
}

export const kernels = { BlockSparseMatMul: matMul, BlockSparseWeightGradient: weightGradient };
