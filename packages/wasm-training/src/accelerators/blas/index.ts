// The system's BLAS: OpenBLAS, MKL, BLIS or Accelerate, called through koffi, which is an optional dependency.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import type { BlockProduct } from '../../products/block-product.js';
import { finish } from '../../products/epilogue.js';
import { turnedProduct, workOf, type PatchProduct } from '../../products/patches.js';
import { byWinograd } from '../../products/winograd.js';
import type { Accelerator, AcceleratorKind } from '../accelerator.js';
import { libraryAccelerator } from '../native/library-accelerator.js';
import { candidates, installCommand } from './candidates.js';
import { blockGradientBy, divided, multiplyBlocksBy } from './block-products.js';
import { open, type OpenLibrary } from './library.js';
import { convolveBy, filterGradientBy, inputGradientBy } from './patch-products.js';
import { productsOn } from './products.js';

export const blas: AcceleratorKind = libraryAccelerator({
  name: 'BLAS',
  open,
  candidates: () => candidates(process.platform, process.arch, process.env),
  installCommand: () => installCommand(process.platform),
  start,
});

function start(backend: WasmBackend, library: OpenLibrary, threads: number): Accelerator {
  library.setThreads(threads);
  return blasOn(backend, library, threads);
}

/**
 * Multiply-adds from which on a product goes to the library: from here on it was ahead of or level with the wasm kernel
 * in every shape and transposition of scripts/blas-crossover.mjs.
 */
const WORTH_A_CALL = 2 ** 14;

/**
 * From which block column on, by its width and by the numbers of the result in it, panels are worth making: from here on the
 * library was ahead of the wasm kernels with relaxed SIMD, whichever share of the blocks was kept, in
 * scripts/block-sparse-crossover.mjs. A narrower column leaves the library's tiles half empty; of few rows, as those of one
 * example, packing the weights takes as long as the wasm kernels take for all.
 */
const WORTH_PANELS = {
  product: { width: 12, size: 256 },
  gradient: { width: 10, size: 64 },
};

/** Of fewer channels than these, Winograd's filtering on wasm is ahead of products of patches; scripts/winograd-crossover.mjs. */
const WINOGRAD_BELOW = 32;

function isFasterByWinograd(product: PatchProduct): boolean {
  const [, , , channels] = product.geometry;
  return Math.max(channels, product.outChannels) < WINOGRAD_BELOW && byWinograd(product.geometry);
}

/** Whether the gradient by the input is to be a convolution of dy: where dy has more channels than x, adding up is less work. */
function isFasterTurned(product: PatchProduct): boolean {
  const [, , , channels] = product.geometry;
  return turnedProduct(product) !== null && product.outChannels <= channels;
}

/** Products, and convolutions as products over chunks of patches, on the memory of a backend. */
function blasOn(backend: WasmBackend, library: OpenLibrary, threads: number): Accelerator {
  const products = productsOn(memoryOf(backend), library);
  /** Runs with the threads that the product is worth: small ones would wait for one another. */
  const onItsThreads = (product: BlockProduct, run: (atOnce: number) => void) => {
    const division = divided(product, threads);
    if (division.threads !== threads) library.setThreads(division.threads);
    try {
      run(division.atOnce);
    } finally {
      if (division.threads !== threads) library.setThreads(threads);
    }
  };
  return {
    multiply(product, epilogue) {
      const [, , m, n, k, , , c] = product;
      if (m * n * k < WORTH_A_CALL) return false;
      products.multiply(...product);
      finish(backend, c, m, n, epilogue);
      return true;
    },
    convolve(product, operands, epilogue) {
      if (workOf(product) < WORTH_A_CALL || isFasterByWinograd(product)) return false;
      convolveBy(products, backend, product, operands, epilogue);
      return true;
    },
    inputGradient(product, operands) {
      if (workOf(product) < WORTH_A_CALL || isFasterTurned(product)) return false;
      inputGradientBy(products, backend, product, operands);
      return true;
    },
    filterGradient(product, operands) {
      if (workOf(product) < WORTH_A_CALL) return false;
      filterGradientBy(products, backend, product, operands);
      return true;
    },
    takesBlocks(kind, width, rows) {
      const least = WORTH_PANELS[kind];
      return width >= least.width && rows * width >= least.size;
    },
    multiplyBlocks(product, operands, epilogue) {
      onItsThreads(product, (atOnce) =>
        multiplyBlocksBy(products, backend, product, atOnce, operands, epilogue),
      );
      return true;
    },
    blockGradient(product, operands) {
      onItsThreads(product, (atOnce) => blockGradientBy(products, backend, product, atOnce, operands));
      return true;
    },
  };
}
