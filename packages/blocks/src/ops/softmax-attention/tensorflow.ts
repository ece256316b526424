/** Softmax attention on one number a block, in one op, or by several of TensorFlow's own. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { divide, multiply, reshape, subtract, sum } from '../../backends/tensorflow/ops.js';
import { UNCLIPPED, type AttentionAttributes } from './index.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** logits of any shape → attention of the same. */
export function softmaxAttention(
  run: TensorflowRun,
  { logits }: Inputs<'logits'>,
  attributes: AttentionAttributes,
): Handle {
  if (run.hasNativeKernels) return run.op('EspalierAttention', [logits, settingsOf(run, attributes)]);
  const weights = unclipped(run, logits, attributes);
  const { minimum, maximum } = attributes;
  if (clipsNothing(attributes)) return weights;
  return run.op('ClipByValue', [weights, run.floats([minimum]), run.floats([maximum])]);
}

/** dy and the logits → the gradient by the logits. */
export function softmaxAttentionGrad(
  run: TensorflowRun,
  { dy, logits }: Inputs<'dy' | 'logits'>,
  attributes: AttentionAttributes,
): Handle {
  if (run.hasNativeKernels) {
    return run.op('EspalierAttentionGrad', [dy, logits, settingsOf(run, attributes)]);
  }
  const { normalised, temperature, maximum } = attributes;
  const weights = unclipped(run, logits, attributes);
  const flow = clipsNothing(attributes) ? dy : unlessClipped(run, dy, weights, attributes);
  // An unnormalised weight may overflow: ∞ · 0 would be NaN.
  const gradient = normalised
    ? multiply(run, weights, subtract(run, flow, meanOf(run, multiply(run, weights, flow))))
    : multiply(run, run.op('Minimum', [weights, run.floats([maximum])]), flow);
  return overTemperature(run, gradient, temperature);
}

function settingsOf(
  run: TensorflowRun,
  { normalised, temperature, minimum, maximum }: AttentionAttributes,
): Handle {
  return run.floats([Number(normalised), temperature, minimum, maximum], [4]);
}

/** Before it is clipped. Equal logits give exactly 1: what the softmax makes of them is divided by what it is. */
function unclipped(
  run: TensorflowRun,
  logits: Handle,
  { normalised, temperature }: AttentionAttributes,
): Handle {
  const scaled = overTemperature(run, logits, temperature);
  const count = sizeOf(logits);
  if (!normalised || count === 0) return run.op('Exp', [scaled]);
  const shares = run.op('Softmax', [reshape(run, scaled, [1, count])]);
  return reshape(run, divide(run, shares, run.floats([1 / count])), logits.shape);
}

/** A normalised attention is finite, and above 0. */
function clipsNothing({ normalised, minimum, maximum }: AttentionAttributes): boolean {
  return normalised && minimum <= UNCLIPPED.minimum && maximum >= UNCLIPPED.maximum;
}

function unlessClipped(
  run: TensorflowRun,
  dy: Handle,
  weights: Handle,
  { minimum, maximum }: AttentionAttributes,
): Handle {
  const above = run.op('GreaterEqual', [weights, run.floats([minimum])]);
  const below = run.op('LessEqual', [weights, run.floats([maximum])]);
  const [within] = run.ops('LogicalAnd', [above, below], [], 1);
  return run.op('SelectV2', [within!, dy, run.floats([0])]);
}

function overTemperature(run: TensorflowRun, x: Handle, temperature: number): Handle {
  return temperature === 1 ? x : divide(run, x, run.floats([temperature]));
}

function meanOf(run: TensorflowRun, x: Handle): Handle {
  const axes = x.shape.map((_, axis) => axis);
  return divide(run, sum(run, x, axes), run.floats([Math.max(1, sizeOf(x))]));
}

function sizeOf({ shape }: Handle): number {
  return shape.reduce((size, length) => size * length, 1);
}

export const kernels = { SoftmaxAttention: softmaxAttention, SoftmaxAttentionGrad: softmaxAttentionGrad };
