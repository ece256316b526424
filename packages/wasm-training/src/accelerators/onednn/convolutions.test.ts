import { describe, expect, it } from 'vitest';

import type { ConvolutionGeometry } from '../../wasm/exports.js';
import { expectClose, randomValues } from '../../test-support.js';
import { nativeWorkspace } from '../native/addresses.js';
import { firstThatServes, loadKoffi } from '../native/koffi.js';
import { candidates } from './candidates.js';
import type { OneDnnApi } from './api.js';
import { convolutionsBy, type ConvolutionKind } from './convolutions.js';
import { keptPrimitives } from './kept.js';
import { open } from './library.js';

const koffi = await loadKoffi();
const library =
  typeof koffi === 'string'
    ? null
    : firstThatServes(candidates(process.platform, process.arch, process.env), (path) => open(koffi, path));
if (!library) console.warn('What oneDNN keeps of convolutions is not tested: no library was found');

/** Images of so many rows and columns, one channel, a filter of 3 × 3 that makes 2; nothing around them. */
const geometryOf = (side: number): ConvolutionGeometry => [
  ...([2, side, side, 1, side - 2, side - 2, 2, 3, 3] as const),
  ...([1, 1, 1, 1, 0, 0] as const),
];

/** The result by its definition. */
function expectedOf(x: Float32Array, filter: Float32Array, side: number): number[] {
  const out = side - 2;
  return Array.from({ length: 2 * out * out * 2 }, (_, at) => {
    const [k, column, row, image] = [
      at % 2,
      (at >> 1) % out,
      Math.floor(at / 2 / out) % out,
      Math.floor(at / 2 / out / out),
    ];
    let sum = 0;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        sum += x[(image * side + row + i) * side + column + j]! * filter[(i * 3 + j) * 2 + k]!;
      }
    }
    return sum;
  });
}

describe.skipIf(!library)('the primitives of oneDNN', () => {
  /** The library, counting what is made and what is given back. */
  function countedApi(): { api: OneDnnApi; alive: () => number } {
    const { api } = library!;
    let alive = 0;
    return {
      api: {
        ...api,
        primitive: (description) => {
          alive += 1;
          return api.primitive(description);
        },
        memory: (layout) => {
          alive += 1;
          return api.memory(layout);
        },
        release: (objects) => {
          alive -= (objects.primitives?.length ?? 0) + (objects.memories?.length ?? 0);
          api.release(objects);
        },
      },
      alive: () => alive,
    };
  }

  it('are kept for so many shapes, and right when a shape comes back', () => {
    const { api, alive } = countedApi();
    const kept = keptPrimitives(2);
    const convolve = convolutionsBy(api, nativeWorkspace(library!.addressOf), kept);
    const filter = randomValues(18, 1);
    let most = 0;
    for (const side of [5, 6, 7, 5, 6, 6, 7, 5]) {
      const x = randomValues(2 * side * side, side);
      const result = new Float32Array(2 * (side - 2) * (side - 2) * 2);
      const [images, weights, out] = [x, filter, result].map(({ buffer }) =>
        library!.addressOf(buffer as ArrayBuffer),
      ) as [number, number, number];
      const kind: ConvolutionKind = {
        direction: 'forward',
        geometry: geometryOf(side),
        depthwise: false,
        biased: false,
      };
      expect(convolve(kind, { images, filter: weights, result: out, bias: 0 })).toBe(true);
      expectClose(result, expectedOf(x, filter, side), 1e-5);
      if (side === 5 && most === 0) most = 2 * alive();
      expect(alive()).toBeLessThanOrEqual(most);
    }
    kept.clear();
    expect(alive()).toBe(0);
  });

  it('decline what the library has no code for', () => {
    const { api, alive } = countedApi();
    const convolve = convolutionsBy(api, nativeWorkspace(library!.addressOf), keptPrimitives());
    // A filter that is larger than the images, with fewer than no rows around them.
    const geometry = geometryOf(5);
    [geometry[7], geometry[13]] = [9, -6];
    const kind: ConvolutionKind = {
      direction: 'forward',
      geometry,
      depthwise: false,
      biased: false,
    };
    const tensors = { images: 0, filter: 0, result: 0, bias: 0 };
    for (let i = 0; i < 2; i++) expect(convolve(kind, tensors)).toBe(false);
    expect(alive()).toBe(0);
  });
});
