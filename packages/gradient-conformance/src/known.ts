/** Gradients that are known without any gradient's code: from the op itself. */
import * as tf from '@tensorflow/tfjs';

import { REACH, sizeOf, type Input, type Sample, type SweptOp } from './swept-op.js';

/** A sum of what an op puts out, each element times a number: the gradient of that is what is compared. */
export interface Weighing {
  readonly op: SweptOp;
  readonly sample: Sample;
  /** One for each element that comes out, in order. */
  readonly weights: readonly number[];
}

export const tensorOf = ({ shape, values, dtype }: Input): tf.Tensor =>
  tf.tensor([...values], [...shape], dtype);

/** What an op gives on the backend of the moment: all of its outputs, one after another. */
export async function forward({ compute }: SweptOp, { inputs, attributes }: Sample): Promise<number[]> {
  const out = tf.tidy(() => compute(inputs.map(tensorOf) as never, attributes as never));
  return (await valuesOf([out].flat())).flat();
}

/** Reads tensors, which are disposed: a device that computes on its own is waited for. */
export async function valuesOf(tensors: readonly tf.Tensor[]): Promise<number[][]> {
  const values = await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())));
  tf.dispose([...tensors]);
  return values;
}

/** The gradients of the weighed sum by each input of float32, by the op itself on the backend of the moment. */
export async function knownGradients({ op, sample, weights }: Weighing): Promise<(number[] | null)[]> {
  const gradients: (number[] | null)[] = [];
  for (const [which, input] of sample.inputs.entries()) {
    const at = async (values: readonly number[]) => {
      const inputs = sample.inputs.map((other, i) => (i === which ? { ...other, values } : other));
      const out = await forward(op, { ...sample, inputs });
      return out.reduce((sum, value, i) => sum + value * weights[i]!, 0);
    };
    if (input.dtype !== 'float32') gradients.push(null);
    else if (op.known === 'by basis vectors') gradients.push(await byBasis(at, sizeOf(input.shape)));
    else gradients.push(await byDifferences(at, input.values, op.known === 'by differences beside kinks'));
  }
  return gradients;
}

export type Weighed = (values: readonly number[]) => Promise<number>;

/** Of an affine function: what each basis vector makes of it, less what nothing does. */
async function byBasis(at: Weighed, size: number): Promise<number[]> {
  const zero = new Array<number>(size).fill(0);
  const constant = size > 0 ? await at(zero) : 0;
  const gradient: number[] = [];
  for (let i = 0; i < size; i++) {
    const basis = [...zero];
    basis[i] = 1;
    gradient.push((await at(basis)) - constant);
  }
  return gradient;
}

/**
 * Central differences of fourth order. NaN where kinks may be within their reach: differences of one step and of two, of
 * first and of second order, do not agree there.
 */
export async function byDifferences(
  at: Weighed,
  point: readonly number[],
  kinks: boolean,
): Promise<number[]> {
  const step = REACH / 2;
  const here = kinks && point.length > 0 ? await at(point) : 0;
  const gradient: number[] = [];
  for (let i = 0; i < point.length; i++) {
    const moved = (steps: number) => {
      const values = [...point];
      values[i]! += steps * step;
      return at(values);
    };
    const before2 = await moved(-2);
    const before = await moved(-1);
    const after = await moved(1);
    const after2 = await moved(2);
    const slope = (after - before) / (2 * step);
    const widerSlope = (after2 - before2) / (4 * step);
    const bend = (before - 2 * here + after) / step;
    const widerBend = (before2 - 2 * here + after2) / (4 * step);
    const bent = Math.abs(bend - widerBend) > 2e-4 || Math.abs(slope - widerSlope) > 1e-3;
    gradient.push(kinks && bent ? NaN : (4 * slope - widerSlope) / 3);
  }
  return gradient;
}
