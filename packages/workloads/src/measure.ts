/**
 * What a measure is to the tables: a name, a place among the columns and in a row, and how its numbers are written.
 * Plain data, which a comparison keeps with its results: a table can be drawn again where the measure itself, which
 * may be a user's own, is not known.
 */
import {
  assertArgument,
  assertOptions,
  aText,
  numberIn,
  required,
  wholeNumber,
  type Expected,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

export interface MeasureDescription {
  /** In lower camel case; no two measures have one. A CSV calls its column so, in words joined by underscores. */
  readonly key: string;
  /** The head of its column in tables; null of what only the files have. */
  readonly title: string | null;
  readonly format: NumberFormat;
  /** Which values are the better ones; null where neither is. */
  readonly better: 'higher' | 'lower' | null;
  /** Columns stand in the order of these numbers. */
  readonly place: number;
  /** The path in a row where its value stands; `metrics.<key>` when absent. */
  readonly at?: string;
  /** How its column sums up the seeds: mean ± standard deviation, or the mean alone, the default. */
  readonly spread?: boolean;
  /** Its column is left out where no row has a value. */
  readonly optional?: boolean;
  /** Another column has the paired difference from the reference strategy, with its confidence interval. */
  readonly difference?: boolean;
  /**
   * The key under which the dense baseline's value of the same seed stands beside this one; the column then has their
   * ratio too.
   */
  readonly denseKey?: string;
  /**
   * Where a terminal has no room for all columns, those of the least importance are left out first, and of equals the
   * last; 8 when absent. From 10 up it is what Espalier promises to show in 100 characters.
   */
  readonly importance?: number;
}

/** How a number is written. */
export interface NumberFormat {
  /** What it is multiplied by; 1 when absent. */
  readonly scale?: number;
  /** After the point. */
  readonly digits: number;
  /** After the point of numbers, as written, from 10 up; `digits` when absent. */
  readonly digitsFrom10?: number;
  /** What is smaller, and not zero, is written in powers of ten, so that it does not look like zero. */
  readonly exponentialUnder?: number;
  readonly unit?: string;
}

export const percent: NumberFormat = { scale: 100, digits: 2, unit: '%' };
export const milliseconds: NumberFormat = { digits: 2, digitsFrom10: 1 };
/** Of bytes. */
export const megabytes: NumberFormat = { scale: 1e-6, digits: 2, digitsFrom10: 0 };
/** Of single things. */
export const millions: NumberFormat = { scale: 1e-6, digits: 3, digitsFrom10: 1, exponentialUnder: 1e-3 };
export const times: NumberFormat = { digits: 2, digitsFrom10: 1, unit: '×' };
export const wholes: NumberFormat = { digits: 0 };
export const lossFormat: NumberFormat = { digits: 4, exponentialUnder: 1e-3 };

/** NaN and infinities are written too. */
const aNumber: Expected = {
  type: 'number',
  holds: (value) => typeof value === 'number',
  words: 'a number',
};
/** What JavaScript writes. */
const digitsAfterPoint = wholeNumber(0, 100);

/**
 * The number as text.
 *
 * @throws RangeError or TypeError for what is no number, or no format
 */
export function formatNumber(value: number, format: NumberFormat): string {
  assertArgument('formatNumber()', 'value', value, aNumber);
  assertOptions('formatNumber(): the format', format, {
    scale: numberIn('(-∞, ∞)'),
    digits: required(digitsAfterPoint),
    digitsFrom10: digitsAfterPoint,
    exponentialUnder: numberIn('[0, ∞)'),
    unit: aText("a unit, such as '%'"),
  });
  const { scale = 1, digits, digitsFrom10 = digits, exponentialUnder = 0, unit = '' } = format;
  const scaled = value * scale;
  if (scaled !== 0 && Math.abs(scaled) < exponentialUnder) return `${scaled.toExponential(1)}${unit}`;
  return `${scaled.toFixed(Math.abs(scaled) < 10 ? digits : digitsFrom10)}${unit}`;
}

/** Of a task: mean over the batch, differentiable by the outputs. */
export type Loss = (outputs: tf.Tensor, targets: tf.Tensor) => tf.Scalar;

/** The same with a weight for each example, `[batch]`: the mean over the batch of what each weighs, as in Keras. */
export type WeightedLoss = (outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor1D) => tf.Scalar;

/** Measures how good a model's outputs are, in one pass over the test examples. */
export interface QualityMeasure extends MeasureDescription {
  /** Names of the tasks that it is for; all, when absent. Of no account where a task brings it itself. */
  readonly tasks?: readonly string[];
  /**
   * Starts a pass.
   *
   * @param loss the task's
   */
  accumulator(loss: Loss): Accumulator;
}

/** Gathers one number over the batches of a pass. */
export interface Accumulator {
  /**
   * What is to be known of a batch, as a tensor: it is read back from the device, once a batch for all measures
   * together. Called within `tf.tidy`.
   */
  ofBatch(outputs: tf.Tensor, targets: tf.Tensor): tf.Tensor;
  /** Takes in what was read. */
  add(values: Float32Array): void;
  /** @param examples how many there were; null where there is nothing to be said of them */
  value(examples: number): number | null;
}
