// Worker threads of our own, for machines without a library. Each element of a result is the same sum as on one thread: the
// results are the same bits.

import type { WasmBackend } from '@espalier/blocks';

import { finish } from '../../products/epilogue.js';
import { turnedProduct } from '../../products/patches.js';
import { kernelsOf } from '../../wasm/link.js';
import type {
  Absence,
  Accelerator,
  AcceleratorKind,
  AcceleratorRequest,
  FoundAccelerator,
} from '../accelerator.js';
import { filterGradientOn, mapImagesOn } from './convolutions.js';
import { multiplyOn } from './products.js';
import { Team } from './team.js';

export const threads: AcceleratorKind = { takesLibrary: false, find };

async function find({ threads }: AcceleratorRequest): Promise<FoundAccelerator | Absence> {
  if (threads === 1) {
    return {
      absence: 'it divides work among several threads, and one is asked for',
      remedy: 'ask for 2 or more',
    };
  }
  const start = async (backend: WasmBackend) =>
    threadsOn(await Team.start(threads, kernelsOf(backend).moduleFor), backend);
  return { library: null, start };
}

/** What is not worth dividing is left to one thread. */
function threadsOn(team: Team, backend: WasmBackend): Accelerator {
  return {
    multiply(product, epilogue) {
      const [, , m, n, , , , c] = product;
      if (!multiplyOn(team, backend, product)) return false;
      finish(backend, c, m, n, epilogue);
      return true;
    },
    convolve(product, operands, epilogue) {
      if (!mapImagesOn(team, backend, 'convolution', product, operands)) return false;
      finish(backend, operands[2], product.rows, product.outChannels, epilogue);
      return true;
    },
    inputGradient: (product, operands) =>
      !turnedProduct(product) && mapImagesOn(team, backend, 'convInputGradient', product, operands),
    filterGradient: (product, operands) => filterGradientOn(team, backend, product, operands),
    stop: () => team.stop(),
  };
}
