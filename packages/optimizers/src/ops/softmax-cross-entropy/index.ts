/**
 * The loss of a classifier: `tf.losses.softmaxCrossEntropy` is some thirty ops of a few microseconds each, forward and
 * back; this is one op and one for its gradient.
 */
import { areGradientsDifferentiated, defineOperation, describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

/**
 * The mean over the batch of -Σ_j labels[j] · log softmax(logits)[j]. It is what `tf.losses.softmaxCrossEntropy` gives
 * by default, and serves as the `loss` of `model.compile` for a model that ends in logits, without class or sample
 * weights. It is differentiable by both.
 *
 * @param labels [batch, classes]: one-hot, or the probability of each class
 * @param logits [batch, classes]
 * @returns a scalar; 0 for an empty batch
 * @throws if the shapes differ or are not of two axes
 */
export function softmaxCrossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  const areTensors = labels instanceof tf.Tensor && logits instanceof tf.Tensor;
  if (!areTensors || labels.rank !== 2 || !tf.util.arraysEqual(labels.shape, logits.shape)) {
    throw new Error(
      `softmaxCrossEntropy: labels and logits must both be tensors of shape [batch, classes], got ` +
        `${describeValue(labels)} and ${describeValue(logits)}. Class indices become labels by tf.oneHot.`,
    );
  }
  return tf.tidy(() => crossEntropy({ labels: asFloat(labels), logits: asFloat(logits) }, {}));
}

/** `toFloat` runs a kernel also where there is nothing to cast, and another in the gradient. */
function asFloat(x: tf.Tensor): tf.Tensor {
  return x.dtype === 'float32' ? x : x.toFloat();
}

const crossEntropy = defineOperation<object, tf.Scalar>({
  name: 'SoftmaxCrossEntropy',
  inputsToSave: ['labels', 'logits'],
  composed: ({ labels, logits }) => labels!.mul(logits!.logSoftmax()).sum().div(-batchOf(labels!)),
  gradient: (dy, saved) => {
    const [labels, logits] = saved as [tf.Tensor, tf.Tensor];
    return {
      labels: () => logits.logSoftmax().mul(dy.div(-batchOf(labels))),
      logits: () =>
        areGradientsDifferentiated()
          ? differentiableGradient(dy, labels, logits)
          : gradientByLogits({ dy, labels, logits }, {}),
    };
  },
});

const gradientByLogits = defineOperation({
  name: 'SoftmaxCrossEntropyGrad',
  composed: ({ dy, labels, logits }) => {
    const flow = labels!.mul(dy!.div(-batchOf(labels!)));
    return flow.sub(flow.sum(1, true).mul(logits!.logSoftmax().exp()));
  },
});

/** The same without `tf.logSoftmax`, which has no second derivative. */
function differentiableGradient(dy: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  return logits
    .softmax()
    .mul(labels.sum(1, true))
    .sub(labels)
    .mul(dy.div(batchOf(labels)));
}

/** Rows of the batch; 1 where it is empty, whose loss is then 0. */
function batchOf({ shape }: tf.Tensor): number {
  return Math.max(1, shape[0]!);
}
