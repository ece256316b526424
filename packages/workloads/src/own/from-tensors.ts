/** A data set of one's own, from tensors. */
import { anInstance, assertOptions, listOf, numberIn, required, wholeNumber } from '@espalier/core';
import { fromArrays, type DataSet, type OwnSplit } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs';

export interface TensorsSettings extends OwnSplit {
  /** `[examples, …]`: one, or one for each of the model's inputs, in their order. */
  readonly inputs: tf.Tensor | readonly tf.Tensor[];
  /** Class indices, `[examples]`: for classification. Either these or `targets`. */
  readonly labels?: tf.Tensor;
  /** The numbers that are to be predicted, `[examples, …]`: for regression. */
  readonly targets?: tf.Tensor;
  /** `[examples]`: how much each counts in training. */
  readonly weights?: tf.Tensor;
}

const aTensor = anInstance(tf.Tensor, 'a tensor, [examples, …]');
const tensors = listOf(aTensor, 'a tensor, or a list of them');

/**
 * Reads the tensors once; they stay the caller's.
 *
 * @throws TypeError or RangeError for a setting that is not what it is to be
 * @throws DataError, by the example, for what cannot be trained on
 */
export async function fromTensors(settings: TensorsSettings): Promise<DataSet> {
  assertOptions('fromTensors()', settings, {
    inputs: required({ ...tensors, holds: (value) => aTensor.holds(value) || tensors.holds(value) }),
    labels: aTensor,
    targets: aTensor,
    weights: aTensor,
    testShare: numberIn('(0, 1)'),
    seed: wholeNumber(0),
  });
  const { inputs, labels, targets, weights, ...split } = settings;
  return fromArrays({
    inputs: await Promise.all([inputs].flat().map((tensor) => columnOf(tensor as tf.Tensor))),
    ...(labels && { labels: await labels.data() }),
    ...(targets && { targets: await targetsOf(targets) }),
    ...(weights && { weights: await weights.data() }),
    ...split,
  });
}

async function columnOf(tensor: tf.Tensor) {
  const [, ...shape] = tensor.shape;
  const values = await tensor.data();
  return tensor.dtype === 'float32'
    ? { shape, type: 'float32' as const, values: Float32Array.from(values) }
    : { shape, type: 'int32' as const, values: Int32Array.from(values) };
}

/** Numbers, whatever they are stored as; one for each example is an output of its own. */
async function targetsOf(tensor: tf.Tensor) {
  const [, ...shape] = tensor.shape;
  const values = Float32Array.from(await tensor.data());
  return { shape: shape.length > 0 ? shape : [1], type: 'float32' as const, values };
}
