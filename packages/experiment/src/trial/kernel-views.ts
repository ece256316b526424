/** The pruned kernels of a trial while it trains, as plain data: what a page shows of them. */
import type { KernelState, Shape2D } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface KernelView {
  /** `layer/weight`. */
  readonly name: string;
  /** Blocks down and across. */
  readonly gridShape: Shape2D;
  /** One byte a block, row by row: 1 where the network computes with it now. */
  readonly mask: Uint8Array;
  /** What attention, or another scale of blocks, multiplies each block by; null where there is none. */
  readonly factors: Float32Array | null;
}

export async function kernelViews(kernels: readonly KernelState[]): Promise<KernelView[]> {
  const views: KernelView[] = [];
  for (const kernel of kernels) {
    const { name, grid, mask } = kernel;
    views.push({ name, gridShape: grid.gridShape, mask: mask.slice(), factors: await factorsOf(kernel) });
  }
  return views;
}

/** Read from the device: a copy, as on the cpu backend the numbers of a variable are the ones that it trains with. */
async function factorsOf(kernel: KernelState): Promise<Float32Array | null> {
  const [scale] = tf.tidy(() => {
    const { blockScale } = kernel.factors();
    return blockScale ? [blockScale.clone()] : [];
  });
  if (!scale) return null;
  try {
    return (await scale.data()).slice() as Float32Array;
  } finally {
    scale.dispose();
  }
}
