// oneDNN: convolutions in three directions, and products, called through koffi, which is an optional dependency.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import { finish } from '../../products/epilogue.js';
import { workOf, type PatchProduct } from '../../products/patches.js';
import type { Accelerator, AcceleratorKind, ConvolutionDirection, Operands } from '../accelerator.js';
import { addressesIn, nativeWorkspace } from '../native/addresses.js';
import { libraryAccelerator } from '../native/library-accelerator.js';
import { candidates, installCommand } from './candidates.js';
import { convolutionsBy } from './convolutions.js';
import { open, type OpenOneDnn } from './library.js';

export const onednn: AcceleratorKind = libraryAccelerator({
  name: 'oneDNN',
  open,
  candidates: () => candidates(process.platform, process.arch, process.env),
  installCommand: () => installCommand(process.platform),
  start,
});

/**
 * Multiply-adds from which on work goes to the library, by scripts/onednn-crossover.mjs and blas-crossover.mjs: a call sets the
 * places of its tensors and copies the filter, which takes as long as 10⁵ of them, and a filter of one pixel is a product.
 */
const CONVOLUTION_WORTH_A_CALL = 2 ** 17;
const POINTWISE_WORTH_A_CALL = 2 ** 19;
const DEPTHWISE_WORTH_A_CALL = 2 ** 14;
const PRODUCT_WORTH_A_CALL = 2 ** 14;

function isWorthACall(
  direction: ConvolutionDirection,
  product: PatchProduct,
  { stridedInputGradients }: OpenOneDnn,
): boolean {
  const [filterHeight, filterWidth, strideHeight, strideWidth] = product.geometry.slice(7, 11);
  const isStrided = strideHeight !== 1 || strideWidth !== 1;
  if (direction === 'inputGradient' && isStrided && !stridedInputGradients) return false;
  const isOnePixel = filterHeight === 1 && filterWidth === 1;
  return workOf(product) >= (isOnePixel ? POINTWISE_WORTH_A_CALL : CONVOLUTION_WORTH_A_CALL);
}

/** Convolutions and products on the memory of a backend. */
function start(backend: WasmBackend, library: OpenOneDnn, threads: number): Accelerator {
  library.setThreads(threads);
  const { api } = library;
  const at = addressesIn(memoryOf(backend), library.addressOf);
  const { convolve, stop } = convolutionsBy(api, nativeWorkspace(library.addressOf));

  /** Operands are images, filter and result, whichever of them is written. */
  function compute(
    direction: ConvolutionDirection,
    product: PatchProduct,
    [images, filter, result]: Operands,
    bias = 0,
  ): boolean {
    if (!isWorthACall(direction, product, library)) return false;
    const kind = { direction, geometry: product.geometry, depthwise: false, biased: bias !== 0 };
    const tensors = { images: at(images), filter: at(filter), result: at(result), bias: at(bias) };
    return convolve(kind, tensors);
  }

  return {
    convolve(product, operands, epilogue) {
      const [bias, ...activation] = epilogue;
      if (!compute('forward', product, operands, bias)) return false;
      // Not by the library: its ReLU makes 0 of NaN.
      finish(backend, operands[2], product.rows, product.outChannels, [0, ...activation]);
      return true;
    },
    inputGradient: (product, [dy, filter, dx]) => compute('inputGradient', product, [dx, filter, dy]),
    filterGradient: (product, [x, dy, dFilter]) => compute('filterGradient', product, [x, dFilter, dy]),
    // Of its products those with vectors of 16 floats are ahead of OpenBLAS's.
    ...(library.hasAvx512 && {
      multiply(product, epilogue) {
        const [transposeA, transposeB, m, n, k, a, b, c, accumulate] = product;
        if (m * n * k < PRODUCT_WORTH_A_CALL) return false;
        api.multiply(transposeA, transposeB, m, n, k, at(a), at(b), at(c), accumulate);
        finish(backend, c, m, n, epilogue);
        return true;
      },
    }),
    depthwise(direction, geometry, [images, filter, result]) {
      const [batch, , , channels, outHeight, outWidth, multiplier, filterHeight, filterWidth] = geometry;
      const work = batch * outHeight * outWidth * channels * filterHeight * filterWidth;
      if (multiplier !== 1 || work < DEPTHWISE_WORTH_A_CALL) return false;
      const kind = { direction, geometry, depthwise: true, biased: false };
      return convolve(kind, { images: at(images), filter: at(filter), result: at(result), bias: 0 });
    },
    stop: async () => stop(),
  };
}
