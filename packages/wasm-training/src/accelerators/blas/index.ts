// The system's BLAS: OpenBLAS, MKL, BLIS or Accelerate, called through koffi, which is an optional dependency.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import { finish } from '../../products/epilogue.js';
import { turnedProduct, workOf } from '../../products/patches.js';
import type { Accelerator, AcceleratorKind } from '../accelerator.js';
import { libraryAccelerator } from '../native/library-accelerator.js';
import { installCommand } from './candidates.js';
import { open, openUsual, type OpenLibrary } from './library.js';
import { convolveBy, filterGradientBy, inputGradientBy } from './patch-products.js';
import { productsOn } from './products.js';

export const blas: AcceleratorKind = libraryAccelerator({
  name: 'BLAS',
  open,
  openUsual,
  installCommand: () => installCommand(process.platform),
  start,
});

function start(backend: WasmBackend, library: OpenLibrary, threads: number): Accelerator {
  library.setThreads(threads);
  return blasOn(backend, library);
}

/**
 * Multiply-adds from which on a product goes to the library: from here on it was ahead of or level with the wasm kernel
 * in every shape and transposition of scripts/blas-crossover.mjs.
 */
const WORTH_A_CALL = 2 ** 14;

/** Products, and convolutions as products over chunks of patches, on the memory of a backend. */
function blasOn(backend: WasmBackend, library: OpenLibrary): Accelerator {
  const products = productsOn(memoryOf(backend), library);
  return {
    multiply(product, epilogue) {
      const [, , m, n, k, , , c] = product;
      if (m * n * k < WORTH_A_CALL) return false;
      products.multiply(...product);
      finish(backend, c, m, n, epilogue);
      return true;
    },
    convolve(product, operands, epilogue) {
      if (workOf(product) < WORTH_A_CALL) return false;
      convolveBy(products, backend, product, operands, epilogue);
      return true;
    },
    inputGradient(product, operands) {
      if (workOf(product) < WORTH_A_CALL || turnedProduct(product)) return false;
      inputGradientBy(products, backend, product, operands);
      return true;
    },
    filterGradient(product, operands) {
      if (workOf(product) < WORTH_A_CALL) return false;
      filterGradientBy(products, backend, product, operands);
      return true;
    },
  };
}
