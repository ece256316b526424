/** `SoftmaxCrossEntropy` and `SoftmaxCrossEntropyGrad` by TensorFlow's own. */
import type { Handle, TensorflowRun } from '@espalier/blocks';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** labels and logits `[batch, classes]` → their cross-entropy's mean, a scalar. */
function softmaxCrossEntropy(run: TensorflowRun, { labels, logits }: Inputs<'labels' | 'logits'>): Handle {
  if (sizeOf(logits) === 0) return run.floats([0]);
  const [losses] = run.ops('SoftmaxCrossEntropyWithLogits', [logits, labels], [], 2);
  return run.op('Mean', [losses!, run.integers([0])]);
}

/** dy, a scalar, labels and logits → the gradient by the logits. */
function softmaxCrossEntropyGrad(
  run: TensorflowRun,
  { dy, labels, logits }: Inputs<'dy' | 'labels' | 'logits'>,
): Handle {
  if (sizeOf(logits) === 0) return run.floats([], logits.shape);
  // What TensorFlow gives for it holds of labels that add up to 1.
  const total = run.op('Sum', [labels, run.integers([1])], [run.flag('keep_dims', true)]);
  const away = run.op('Sub', [run.op('Mul', [run.op('Softmax', [logits]), total]), labels]);
  return run.op('Mul', [away, run.op('Mul', [dy, run.floats([1 / logits.shape[0]!])])]);
}

function sizeOf({ shape }: Handle): number {
  return shape.reduce((size, length) => size * length, 1);
}

export const kernels = {
  SoftmaxCrossEntropy: softmaxCrossEntropy,
  SoftmaxCrossEntropyGrad: softmaxCrossEntropyGrad,
};
