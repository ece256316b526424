/**
 * `conv3d`, `conv3dTranspose` and their gradients. On wasm the stock kernels add to memory that is not cleared, and take
 * strides for others. tfjs has no gradient of a dilated `conv3d`, nor of `conv3dTranspose`.
 *
 * A convolution is a product of patches, `[windows, window · channels]`, with the filter: so are its gradients.
 */
import * as tf from '@tensorflow/tfjs';

import { assertShape, valuesOf } from '../arrays.js';
import { composed, onBackends, run, type Attributes, type Repair } from '../repair.js';
import { elementsUnder, placeOf, product, windowsOfVolumes, type Windows } from '../windows.js';

/** As many numbers of patches at a time as stay in the cache of a processor. */
const CHUNK = 2 ** 18;

type Shape5 = [number, number, number, number, number];

const ANY_VOLUME = [null, null, null, null, null];

/** The windows of a convolution of `shape`, through which `dy` flows. */
function windowsOf(
  shape: readonly number[],
  filterShape: readonly number[],
  attrs: Attributes,
  dy: tf.Tensor,
): Windows {
  assertShape('the volume of conv3d', { shape }, ANY_VOLUME);
  assertShape('the filter of conv3d', { shape: filterShape }, [null, null, null, shape[4]!, null]);
  const info = tf.backend_util.computeConv3DInfo(
    shape as Shape5,
    filterShape as Shape5,
    attrs['strides'] as [number, number, number],
    (attrs['dilations'] as [number, number, number] | undefined) ?? 1,
    attrs['pad'] as 'same' | 'valid',
  );
  assertShape('what flows into conv3d', dy, info.outShape);
  return windowsOfVolumes(info);
}

/** Windows `from` … `to`, of all images one after another, in pieces whose patches are of about `CHUNK` numbers. */
function pieces({ batch, counts, window, channels }: Windows): { from: number; count: number }[] {
  const all = batch * product(counts);
  const most = Math.max(1, Math.floor(CHUNK / (product(window) * channels)));
  return Array.from({ length: Math.ceil(all / most) }, (_, i) => ({
    from: i * most,
    count: Math.min(most, all - i * most),
  }));
}

/** Calls `visit` with where each element of a window lies, in patches and in the volume; those beyond the edges are left out. */
function eachElement(
  windows: Windows,
  { from, count }: { from: number; count: number },
  visit: (patch: number, element: number) => void,
): void {
  const { channels, counts, sizes, window } = windows;
  const taps = product(window);
  const under = new Int32Array(taps);
  for (let i = 0; i < count; i++) {
    const image = Math.floor((from + i) / product(counts));
    elementsUnder(windows, placeOf((from + i) % product(counts), counts), under);
    for (let tap = 0; tap < taps; tap++) {
      if (under[tap] === -1) continue;
      visit((i * taps + tap) * channels, (image * product(sizes) + under[tap]!) * channels);
    }
  }
}

/** Conv3DBackpropFilterV2: x `[N, D, H, W, C]`, dy `[N, D', H', W', O]`, attrs filterShape `[fd, fh, fw, C, O]`. */
const byFilter = composed(({ inputs, attrs }) => {
  const { x, dy } = inputs as { x: tf.Tensor; dy: tf.Tensor };
  const filterShape = attrs['filterShape'] as Shape5;
  const windows = windowsOf(x.shape, filterShape, attrs, dy);
  const { channels, window } = windows;
  const columns = product(window) * channels;
  const { values } = valuesOf(x, 'x of conv3d');
  const rows = tf.reshape(dy, [windows.batch * product(windows.counts), filterShape[4]]) as tf.Tensor2D;
  const zero: tf.Tensor = tf.zeros([columns, filterShape[4]]);
  const sum = pieces(windows).reduce(
    (total, piece) =>
      tf.tidy(() => {
        const patches = new Float32Array(piece.count * columns);
        eachElement(windows, piece, (patch, element) => {
          for (let c = 0; c < channels; c++) patches[patch + c] = values[element + c]!;
        });
        const own = tf.slice(rows, [piece.from, 0], [piece.count, filterShape[4]]);
        return tf.add(total, tf.matMul(tf.tensor2d(patches, [piece.count, columns]), own, true));
      }),
    zero,
  );
  return tf.reshape(sum, filterShape);
});

/** Conv3DBackpropInputV2: dy `[N, D', H', W', O]`, filter `[fd, fh, fw, C, O]`, attrs inputShape `[N, D, H, W, C]`. */
const byInput = composed(({ inputs, attrs }) => {
  const { dy, filter } = inputs as { dy: tf.Tensor; filter: tf.Tensor };
  const inputShape = attrs['inputShape'] as Shape5;
  const windows = windowsOf(inputShape, filter.shape, attrs, dy);
  const { channels } = windows;
  const filters = filter.shape[4]!;
  const rows = tf.reshape(dy, [windows.batch * product(windows.counts), filters]) as tf.Tensor2D;
  const matrix = tf.reshape(filter, [product(windows.window) * channels, filters]) as tf.Tensor2D;
  const values = new Float32Array(tf.util.sizeFromShape(inputShape));
  for (const piece of pieces(windows)) {
    const flow = tf.tidy(() =>
      tf.matMul(tf.slice(rows, [piece.from, 0], [piece.count, filters]), matrix, false, true),
    );
    const patches = valuesOf(flow).values;
    flow.dispose();
    eachElement(windows, piece, (patch, element) => {
      for (let c = 0; c < channels; c++) values[element + c]! += patches[patch + c]!;
    });
  }
  return tf.tensor(values, inputShape);
});

/** Where the kernels of this file are. */
const WITH_DILATIONS = ['cpu', 'wasm'];

export const conv3d: Repair = {
  gradients: {
    Conv3D: (stock) => ({
      inputsToSave: ['x', 'filter'],
      gradient: (dy, saved, attrs) => {
        const [x, filter] = saved as [tf.Tensor, tf.Tensor];
        if (!WITH_DILATIONS.includes(tf.getBackend())) return stock!(dy, saved, attrs);
        return {
          x: () => run('Conv3DBackpropInputV2', { dy, filter }, { ...attrs, inputShape: x.shape }),
          filter: () => run('Conv3DBackpropFilterV2', { x, dy }, { ...attrs, filterShape: filter.shape }),
        };
      },
    }),
    Conv3DBackpropInputV2: () => ({
      inputsToSave: ['dy', 'filter'],
      gradient: (ddx, saved, attrs) => {
        const [dy, filter] = saved as [tf.Tensor, tf.Tensor];
        return {
          dy: () =>
            run('Conv3D', { x: ddx, filter }, { dataFormat: 'NDHWC', dilations: [1, 1, 1], ...attrs }),
          filter: () =>
            run('Conv3DBackpropFilterV2', { x: ddx, dy }, { ...attrs, filterShape: filter.shape }),
        };
      },
    }),
  },
  kernels: onBackends(WITH_DILATIONS, {
    Conv3DBackpropFilterV2: () => byFilter,
    Conv3DBackpropInputV2: () => byInput,
  }),
};
