/**
 * The largest element of each window, of what lies under it plus what the window itself has there: a max pool, whose windows
 * have nothing, or a morphological dilation. Of several that are as large, the first.
 */
import type { Values } from './arrays.js';
import { elementsUnder, placeOf, product, type Windows } from './windows.js';

/** The lowest number of float32: what TensorFlow gives for a window without elements. */
export const LOWEST = -3.4028234663852886e38;

/** Calls `chosen` for each window and channel, with the indices of the result, of the input, and of the window's element. */
function eachLargest(
  x: Float32Array,
  added: Float32Array | null,
  windows: Windows,
  chosen: (out: number, at: number, tap: number, value: number) => void,
): void {
  const { batch, channels, counts, sizes, window } = windows;
  const under = new Int32Array(product(window));
  for (let place = 0; place < product(counts); place++) {
    elementsUnder(windows, placeOf(place, counts), under);
    for (let image = 0; image < batch; image++) {
      const first = image * product(sizes);
      const out = (image * product(counts) + place) * channels;
      for (let channel = 0; channel < channels; channel++) {
        let largest = -Infinity;
        let [at, tap] = [-1, -1];
        for (let t = 0; t < under.length; t++) {
          if (under[t] === -1) continue;
          const index = (first + under[t]!) * channels + channel;
          const value = x[index]! + (added ? added[t * channels + channel]! : 0);
          if (value > largest) [largest, at, tap] = [value, index, t * channels + channel];
        }
        chosen(out + channel, at, tap, largest);
      }
    }
  }
}

/** The largest values; `LOWEST` where a window has no elements. */
export function largestValues(
  x: Values,
  added: Float32Array | null,
  windows: Windows,
  shape: readonly number[],
): Values {
  const values = new Float32Array(windows.batch * product(windows.counts) * windows.channels);
  eachLargest(x.values, added, windows, (out, at, _, value) => (values[out] = at === -1 ? LOWEST : value));
  return { shape, values };
}

/** The gradient by the input, and by what the windows have: each flows to the one element that was chosen. */
export function largestGradients(
  x: Values,
  added: Float32Array | null,
  windows: Windows,
  dy: Float32Array,
): { readonly byInput: Float32Array; readonly byWindow: Float32Array } {
  const byInput = new Float32Array(x.values.length);
  const byWindow = new Float32Array(product(windows.window) * windows.channels);
  eachLargest(x.values, added, windows, (out, at, tap) => {
    if (at === -1) return;
    byInput[at]! += dy[out]!;
    byWindow[tap]! += dy[out]!;
  });
  return { byInput, byWindow };
}
