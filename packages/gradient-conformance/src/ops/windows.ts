/** Random geometries of windows that go over an image or a volume: convolutions and pools. */
import type * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';

type Pad = 'same' | 'valid' | number | [number, number][];
export type Rounding = 'floor' | 'round' | 'ceil';

/** Windows along each of the spatial axes. */
export interface Windows {
  readonly sizes: number[];
  readonly window: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pad: Pad;
  /** Of a number of paddings alone. */
  readonly dimRoundingMode: Rounding | null;
}

interface Choice {
  readonly axes: number;
  readonly dilated?: boolean;
  /** Numbers, and a pair for each axis, as paddings. */
  readonly pads?: readonly ('number' | 'pairs')[];
  readonly rounding?: boolean;
  readonly largest?: number;
}

export function windows(random: Random, choice: Choice): Windows {
  for (;;) {
    const drawn = draw(random, choice);
    if (fits(drawn)) return drawn;
  }
}

function draw(
  random: Random,
  { axes, dilated = false, pads = [], rounding = false, largest = axes === 3 ? 4 : 6 }: Choice,
): Windows {
  const kind = random.pick(['same', 'valid', 'same', 'valid', ...pads] as const);
  // Of a padding that is a number, tfjs computes the width that comes out from the window's height.
  const square = kind === 'number';
  const each = (make: () => number, same = square || random.chance(0.5)) => {
    const first = make();
    return Array.from({ length: axes }, () => (same ? first : make()));
  };
  const isDilated = dilated && random.chance(0.35);
  const pair = (): [number, number] => [random.integer(0, 2), random.integer(0, 2)];
  return {
    sizes: each(() => random.integer(1, largest), false),
    window: each(() => random.integer(1, 3)),
    // tfjs takes strides or dilations, not both.
    strides: isDilated ? each(() => 1) : each(() => random.integer(1, 3)),
    dilations: isDilated ? each(() => random.integer(1, 2)) : each(() => 1),
    pad:
      kind === 'number' ? random.integer(0, 2) : kind === 'pairs' ? [[0, 0], pair(), pair(), [0, 0]] : kind,
    dimRoundingMode:
      rounding && kind === 'number' ? random.pick([null, 'floor', 'round', 'ceil'] as const) : null,
  };
}

/** Whether there is an output at all, and every window has a part of the input. */
function fits({ sizes, window, strides, dilations, pad, dimRoundingMode }: Windows): boolean {
  if (pad === 'same') return true;
  return sizes.every((size, axis) => {
    const reach = (window[axis]! - 1) * dilations[axis]! + 1;
    const stride = strides[axis]!;
    const [before, after] = pad === 'valid' ? [0, 0] : typeof pad === 'number' ? [pad, pad] : pad[axis + 1]!;
    const exact = (size + before + after - reach) / stride + 1;
    const last = (ROUNDINGS[dimRoundingMode ?? 'floor'](exact) - 1) * stride - before;
    return exact >= 1 && before < reach && last < size;
  });
}

const ROUNDINGS = { floor: Math.floor, round: Math.round, ceil: Math.ceil };

/** The shape of so many images, channels last or first. */
export function imageShape(
  batch: number,
  sizes: readonly number[],
  channels: number,
  format: 'NHWC' | 'NCHW',
): number[] {
  return format === 'NHWC' ? [batch, ...sizes, channels] : [batch, channels, ...sizes];
}

/** One number for all axes, now and then, where it is the same. */
export function perhapsOne(random: Random, values: number[]): number | number[] {
  return random.chance(0.3) && values.every((value) => value === values[0]) ? values[0]! : values;
}

export const tuple2 = (values: number | readonly number[]) => values as unknown as [number, number];
export const tuple3 = (values: number | readonly number[]) => values as unknown as [number, number, number];
export const roundingOf = (mode: Rounding | null) => mode ?? undefined;
export type Pad2 = Parameters<typeof tf.conv2d>[3];
