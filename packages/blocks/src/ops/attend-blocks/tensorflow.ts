/** `AttendBlocks` and its gradients: the attention on one number a block, and one product over the kept blocks. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { blockRegion } from '../../backends/tensorflow/region.js';
import type { MaskAttribute } from '../../training-mask.js';
import type { AttentionAttributes } from '../softmax-attention/index.js';
import { softmaxAttention, softmaxAttentionGrad } from '../softmax-attention/tensorflow.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;
type Attributes = MaskAttribute & AttentionAttributes;

/** matrix `[n, m]`, logits `[R, C]` → `[n, m]`. */
function attendBlocks(
  run: TensorflowRun,
  { matrix, logits }: Inputs<'matrix' | 'logits'>,
  attributes: Attributes,
): Handle {
  const region = blockRegion(run, attributes.mask);
  const weights = softmaxAttention(run, { logits }, attributes);
  return region.put(region.scaled(region.take(matrix), weights));
}

/** dy, matrix `[n, m]`, logits `[R, C]` → `[n, m]` and `[R, C]`. */
function attendBlocksGrad(
  run: TensorflowRun,
  { dy, matrix, logits }: Inputs<'dy' | 'matrix' | 'logits'>,
  attributes: Attributes,
): Handle[] {
  const region = blockRegion(run, attributes.mask);
  const weights = softmaxAttention(run, { logits }, attributes);
  const [byMatrix, byWeights] = region.scaledAndDots(region.take(dy), region.take(matrix), weights);
  return [region.put(byMatrix), softmaxAttentionGrad(run, { dy: byWeights, logits }, attributes)];
}

export const kernels = { AttendBlocks: attendBlocks, AttendBlocksGrad: attendBlocksGrad };
