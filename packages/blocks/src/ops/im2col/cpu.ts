/** `Im2Col` and `Col2Im`, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { patchesShape, type ConvolutionInfo, type PatchAttributes } from './convolution-info.js';

/** x `[B, H, W, C]` → patches `[B·OH·OW, h·w·C]`, zeros where a tap lies in the padding. */
function im2col({ x }: Readonly<Record<'x', CpuTensor>>, { info }: PatchAttributes): CpuTensor {
  const shape = patchesShape(info);
  const patches = new Float32Array(shape[0] * shape[1]);
  eachTap(info, (inPatches, inImage) => (patches[inPatches] = x.values[inImage]!));
  return { shape, values: patches };
}

/** patches `[B·OH·OW, h·w·C]` → `[B, H, W, C]`: every tap's value added where it was taken from. */
function col2im({ patches }: Readonly<Record<'patches', CpuTensor>>, { info }: PatchAttributes): CpuTensor {
  const sums = new Float64Array(info.inShape.reduce((a, b) => a * b, 1));
  eachTap(info, (inPatches, inImage) => (sums[inImage]! += patches.values[inPatches]!));
  return { shape: info.inShape, values: Float32Array.from(sums) };
}

/** Visits every tap that lies inside the image: its place among the patches and in the image. */
function eachTap(info: ConvolutionInfo, visit: (inPatches: number, inImage: number) => void): void {
  const { inHeight, inWidth, inChannels, filterHeight, filterWidth, padInfo } = info;
  let inPatches = 0;
  for (let b = 0; b < info.batchSize; b++) {
    for (let row = 0; row < info.outHeight; row++) {
      for (let column = 0; column < info.outWidth; column++) {
        for (let i = 0; i < filterHeight; i++) {
          const y = row * info.strideHeight + i * info.dilationHeight - padInfo.top;
          for (let j = 0; j < filterWidth; j++) {
            const x = column * info.strideWidth + j * info.dilationWidth - padInfo.left;
            const inside = y >= 0 && y < inHeight && x >= 0 && x < inWidth;
            for (let c = 0; c < inChannels; c++, inPatches++) {
              if (inside) visit(inPatches, ((b * inHeight + y) * inWidth + x) * inChannels + c);
            }
          }
        }
      }
    }
  }
}

export const kernels = { Im2Col: im2col, Col2Im: col2im };
