// oneDNN: convolutions in three directions, products, and what lies between them, called through koffi, which is an optional
// dependency.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import { finish } from '../../products/epilogue.js';
import { workOf, type PatchProduct } from '../../products/patches.js';
import type {
  Accelerator,
  AcceleratorKind,
  ConvolutionDirection,
  Normalisation,
  Operands,
} from '../accelerator.js';
import { addressesIn, nativeWorkspace } from '../native/addresses.js';
import { libraryAccelerator } from '../native/library-accelerator.js';
import { candidates, installCommand } from './candidates.js';
import { convolutionsBy } from './convolutions.js';
import { elementwiseBy } from './elementwise.js';
import { keptPrimitives } from './kept.js';
import { open, type OpenOneDnn } from './library.js';
import { keepsDigits, normalisationsBy } from './normalisations.js';

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

/**
 * Numbers in a tensor from which on a pass over it goes to the library, by scripts/passes-crossover.mjs: what it takes to set
 * other threads going is what they would save below. On one thread, those number by number are no faster than on wasm.
 */
const PASS_WORTH_A_CALL = 2 ** 17;

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

/** Its work on the memory of a backend. */
function start(backend: WasmBackend, library: OpenOneDnn, threads: number): Accelerator {
  library.setThreads(threads);
  const { api } = library;
  const memory = memoryOf(backend);
  const at = addressesIn(memory, library.addressOf);
  const workspace = nativeWorkspace(library.addressOf);
  const kept = keptPrimitives();
  const convolve = convolutionsBy(api, workspace, kept);
  const normalisations = normalisationsBy(api, workspace, kept, threads);
  const elementwise = threads > 1 ? elementwiseBy(api, library.addressOf, workspace, kept) : null;
  const isLarge = ({ images, pixels, channels }: Normalisation) =>
    images * pixels * channels >= PASS_WORTH_A_CALL;
  const ofChannels = (offset: number, { channels }: Normalisation) =>
    new Float32Array(memory.buffer, offset, channels);

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
    normalise(normalisation, operands) {
      if (!isLarge(normalisation)) return false;
      if (!normalisations.normalise(normalisation, addressesOf(operands, at))) return false;
      const [mean, variance] = [operands.mean, operands.variance].map((one) =>
        ofChannels(one, normalisation),
      );
      return keepsDigits(normalisation, mean!, variance!);
    },
    normalisationGradient: (normalisation, operands) =>
      isLarge(normalisation) && normalisations.gradient(normalisation, addressesOf(operands, at)),
    ...(elementwise && {
      elementwise: (operation, size, [a, b, result]) =>
        size >= PASS_WORTH_A_CALL && elementwise(operation, size, [at(a), at(b), at(result)]),
    }),
    stop: async () => kept.clear(),
  };
}

function addressesOf<Offsets extends object>(offsets: Offsets, at: (offset: number) => number): Offsets {
  return Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, at(offset)])) as Offsets;
}
