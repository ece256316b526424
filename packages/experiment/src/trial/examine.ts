/**
 * Looks at a workload's data and model before the first step, so that what would train to a number that means nothing
 * is refused, by name and in one line.
 */
import type { Examples } from '@espalier/datasets';
import type { Examined, Workload, WorkloadData } from '@espalier/workloads';
import type * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { outputActivation } from './output-activation.js';

/** Examples are gathered so many at a time. */
const STRETCH = 1000;

/** @throws UsageError for what cannot be trained on */
export function examine(workload: Workload, { train, test }: WorkloadData, model: tf.LayersModel): void {
  const refuse = (what: string): never => {
    throw new UsageError(`The workload '${workload.name}' cannot be trained: ${what}`);
  };
  const { inputs, outputs } = model;
  if (inputs.length !== 1 || outputs.length !== 1) {
    refuse(
      `its model has ${inputs.length} inputs and ${outputs.length} outputs: give it one of each, joining them within`,
    );
  }
  const inputShape = inputs[0]!.shape.slice(1);
  const ofModel = { outputShape: outputs[0]!.shape.slice(1), outputActivation: outputActivation(model) };
  for (const [part, examples] of [
    ['training', train],
    ['test', test],
  ] as const) {
    const fault = ofPart(examples, inputShape) ?? ofStretches(examples, workload, ofModel);
    if (fault !== null) refuse(`in its ${part} set, ${fault}`);
  }
}

function ofPart({ count, inputShape }: Examples, asked: readonly (number | null)[]): string | null {
  if (count < 1) return 'there are no examples: check what its load() reads, or how it splits';
  const fits =
    inputShape.length === asked.length &&
    asked.every((length, i) => length === null || length === inputShape[i]);
  if (fits) return null;
  return `inputs are of shape [${inputShape.join(', ')}], and its model takes [${asked.join(', ')}]: make them one shape`;
}

type Outputs = Pick<Examined, 'outputShape' | 'outputActivation'>;

function ofStretches(examples: Examples, { task }: Workload, outputs: Outputs): string | null {
  const { count, inputShape, targetShape } = examples;
  for (let first = 0; first < count; first += STRETCH) {
    const indices = Int32Array.from({ length: Math.min(STRETCH, count - first) }, (_, i) => first + i);
    const { inputs, targets } = examples.gather(indices);
    const fault =
      ofLength('input', inputs, inputShape, indices.length) ??
      ofLength('target', targets, targetShape, indices.length) ??
      ofInputs(inputs, first, sizeOf(inputShape)) ??
      task.check?.({ ...outputs, targetShape, targets, first });
    if (typeof fault === 'string') return fault;
  }
  return null;
}

function ofLength(
  what: string,
  { length }: ArrayLike<number>,
  shape: readonly number[],
  count: number,
): string | null {
  if (length === count * sizeOf(shape)) return null;
  return `${count} examples have ${length} ${what} numbers, where ${what}Shape [${shape.join(', ')}] makes ${count * sizeOf(shape)}: mend its gather() or its ${what}Shape`;
}

function ofInputs(inputs: Float32Array, first: number, size: number): string | null {
  // Of all at once: data are large, and hardly ever wrong.
  let nothing = 0;
  for (let i = 0; i < inputs.length; i++) nothing += 0 * inputs[i]!;
  if (nothing === 0) return null;
  const wrong = inputs.findIndex((value) => !Number.isFinite(value));
  return `an input of example ${first + Math.floor(wrong / size)} is ${inputs[wrong]}: mend it or leave the example out`;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
