/**
 * Looks at a workload's data and model before the first step, so that what would train to a number that means nothing
 * is refused, by name and in one line.
 */
import { sizeOf, type Batch, type Examples, type Field, type Values } from '@espalier/datasets';
import type { Examined, Workload, WorkloadData } from '@espalier/workloads';
import type * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { outputActivation } from './output-activation.js';
import { stretches, type Look } from './stream.js';

/** Examples are gathered so many at a time. */
const STRETCH = 1000;
/** So many of those that are read from files are looked at beforehand. */
const FIRST_READ = 100;

/** How each batch is still to be looked at; null of what was seen as a whole. */
export interface Looks {
  readonly train: Look | null;
  readonly test: Look | null;
}

/**
 * What lies in memory is seen as a whole. Of what is read from files the first examples are, and the rest when they
 * come.
 *
 * @throws UsageError for what cannot be trained on
 */
export async function examine(workload: Workload, data: WorkloadData, model: tf.LayersModel): Promise<Looks> {
  const { name, task } = workload;
  const refuse = (what: string): never => {
    throw new UsageError(`The workload '${name}' cannot be trained: ${what}`);
  };
  const { inputs, outputs } = model;
  if (outputs.length !== 1) {
    refuse(`its model has ${outputs.length} outputs: give it one, joining them within`);
  }
  const ofModel = { outputShape: outputs[0]!.shape.slice(1), outputActivation: outputActivation(model) };
  const lookAt = async (part: string, examples: Examples): Promise<Look | null> => {
    const faultOf = (batch: Batch, indices: Int32Array) =>
      ofLengths(examples, batch, indices.length) ??
      ofInputs(examples, batch, indices) ??
      ofWeights(batch, indices, task.weightedLoss !== undefined) ??
      task.check?.({ ...ofModel, ...targetsOf(examples, batch), examples: indices });
    const look: Look = (batch, indices) => {
      const fault = faultOf(batch, indices);
      if (typeof fault === 'string') refuse(`in its ${part} set, ${fault}`);
    };
    const unfit = ofPart(examples, inputs);
    if (unfit !== null) refuse(`in its ${part} set, ${unfit}`);
    const [first] = stretches(examples.count, FIRST_READ);
    const gathered = examples.gather(first!.indices);
    look(await gathered, first!.indices);
    if (gathered instanceof Promise) return look;
    for (const { indices } of stretches(examples.count, STRETCH)) {
      look(await examples.gather(indices), indices);
    }
    return null;
  };
  return { train: await lookAt('training', data.train), test: await lookAt('test', data.test) };
}

function ofPart({ count, inputs }: Examples, asked: readonly tf.SymbolicTensor[]): string | null {
  if (count < 1) return 'there are no examples: check what its load() reads, or how it splits';
  if (inputs.length !== asked.length) {
    return `there are ${inputs.length} inputs, and its model takes ${asked.length}: give one for each, in their order`;
  }
  for (const [i, { shape }] of inputs.entries()) {
    const wanted = asked[i]!.shape.slice(1);
    const fits =
      shape.length === wanted.length &&
      wanted.every((length, axis) => length === null || length === shape[axis]);
    if (fits) continue;
    const which = inputs.length === 1 ? 'inputs are' : `input ${i} is`;
    return `${which} of shape [${shape.join(', ')}], and its model takes [${wanted.join(', ')}]: make them one shape`;
  }
  return null;
}

function targetsOf({ target }: Examples, { targets }: Batch): Pick<Examined, 'targetShape' | 'targets'> {
  return { targetShape: target.shape, targets };
}

function ofLengths({ inputs, target }: Examples, batch: Batch, count: number): string | null {
  if (batch.inputs.length !== inputs.length) {
    return `a batch has ${batch.inputs.length} inputs where its examples have ${inputs.length}: mend its gather()`;
  }
  const named = (i: number) => (inputs.length === 1 ? 'input' : `input ${i}`);
  const faults = inputs.map((field, i) => ofLength(named(i), batch.inputs[i] as Values, field, count));
  return faults.find((fault) => fault !== null) ?? ofLength('target', batch.targets, target, count);
}

function ofLength(what: string, { length }: Values, field: Field, count: number): string | null {
  if (length === count * sizeOf(field)) return null;
  return `${count} examples have ${length} ${what} numbers, where its shape [${field.shape.join(', ')}] makes ${count * sizeOf(field)}: mend its gather() or its shape`;
}

function ofInputs({ inputs }: Examples, batch: Batch, indices: Int32Array): string | null {
  for (const [i, field] of inputs.entries()) {
    const values = batch.inputs[i] as Values;
    const wrong = firstNonFinite(values);
    if (wrong < 0) continue;
    const example = indices[Math.floor(wrong / sizeOf(field))];
    return `an input of example ${example} is ${values[wrong]}: mend it or leave the example out`;
  }
  return null;
}

function ofWeights({ weights }: Batch, indices: Int32Array, areTaken: boolean): string | null {
  if (!weights) return null;
  if (!areTaken) {
    return 'examples have weights, and its task has no weightedLoss: give it one, or leave the weights out';
  }
  if (weights.length !== indices.length) {
    return `${indices.length} examples have ${weights.length} weights: give one for each`;
  }
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong < 0) return null;
  return `the weight of example ${indices[wrong]} is ${weights[wrong]}: give a finite one of at least 0`;
}

function firstNonFinite(values: Values): number {
  if (values instanceof Int32Array) return -1;
  // Of all at once: data are large, and hardly ever wrong.
  let nothing = 0;
  for (let i = 0; i < values.length; i++) nothing += 0 * values[i]!;
  return nothing === 0 ? -1 : values.findIndex((value) => !Number.isFinite(value));
}
