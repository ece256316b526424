/**
 * How PyTorch lays out what a layer of TensorFlow.js keeps: outputs first, then inputs, then space; here space comes first and
 * outputs last.
 */

/** A weight in both layouts, which hold the same numbers in another order. */
export interface Layout {
  /** PyTorch's shape. */
  readonly shape: readonly number[];
  /** The same numbers in the same order, by the axes that change places. */
  readonly axes: readonly number[];
  /** Which of the axes stands at each place of the layer's own order. */
  readonly order: readonly number[];
}

/** The same order in both. */
export function asItIs(shape: readonly number[]): Layout {
  return { shape, axes: shape, order: shape.map((_, axis) => axis) };
}

/** A matrix `[in, out]`, `[out, in]` in PyTorch. */
export function transposed([n, m]: readonly number[]): Layout {
  return { shape: [m!, n!], axes: [m!, n!], order: [1, 0] };
}

/**
 * A matrix `[in, out]` whose inputs were flattened: of `[…space, channels]` here, of `[channels, …space]` in PyTorch.
 *
 * @param flattened the shape here
 */
export function ofFlattened([n, m]: readonly number[], flattened: readonly number[]): Layout {
  const axes = [m!, ...channelsFirst(flattened)];
  return { shape: [m!, n!], axes, order: [...spaceThenChannels(axes, 1), 0] };
}

/** Numbers of one axis, one for each of what was flattened. */
export function vectorOfFlattened(shape: readonly number[], flattened: readonly number[]): Layout {
  const axes = channelsFirst(flattened);
  return { shape, axes, order: spaceThenChannels(axes, 0) };
}

/** A convolution's `[…space, in, out]`, `[out, in, …space]` in PyTorch; a transposed one's, with in and out exchanged in both. */
export function ofConvolution(shape: readonly number[]): Layout {
  const [before, last] = shape.slice(-2) as [number, number];
  const axes = [last, before, ...shape.slice(0, -2)];
  return { shape: axes, axes, order: [...spaceThenChannels(axes, 1), 0] };
}

/** A depthwise convolution's `[h, w, channels, multiplier]`, `[channels · multiplier, 1, h, w]` in PyTorch. */
export function ofDepthwise([h, w, channels, multiplier]: readonly number[]): Layout {
  const shape = [channels! * multiplier!, 1, h!, w!];
  return { shape, axes: [channels!, multiplier!, h!, w!], order: [2, 3, 0, 1] };
}

function channelsFirst(shape: readonly number[]): number[] {
  return [shape.at(-1)!, ...shape.slice(0, -1)];
}

/** The axes after that of the channels, then that. */
function spaceThenChannels(axes: readonly number[], channels: number): number[] {
  return [...axes.map((_, axis) => axis).slice(channels + 1), channels];
}

type Numbers = Float32Array | Uint8Array;

/** PyTorch's numbers in the layer's order. */
export function fromTorch<T extends Numbers>(data: T, { axes, order }: Layout): T {
  return reordered(data, axes, order);
}

/** The layer's numbers in PyTorch's order. */
export function toTorch<T extends Numbers>(data: T, { axes, order }: Layout): T {
  return reordered(
    data,
    order.map((axis) => axes[axis]!),
    axes.map((_, axis) => order.indexOf(axis)),
  );
}

/** Numbers of the shape `axes`, row by row, with the axes in another order. */
function reordered<T extends Numbers>(data: T, axes: readonly number[], order: readonly number[]): T {
  const strides = axes.map((_, axis) =>
    axes.slice(axis + 1).reduce((product, length) => product * length, 1),
  );
  const lengths = order.map((axis) => axes[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const place = lengths.map(() => 0);
  const result = data.slice() as T;
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let axis = lengths.length - 1; axis >= 0; axis--) {
      place[axis]! += 1;
      from += steps[axis]!;
      if (place[axis]! < lengths[axis]!) break;
      from -= steps[axis]! * lengths[axis]!;
      place[axis] = 0;
    }
  }
  return result;
}
