/** `AttendBlocks` and its gradients: the attention on one number a block, and one product over the kept blocks. */
import {
  gatherKept,
  isWorthSettingApart,
  keptValuesOf,
  scatteredWhenRead,
} from '../../backends/tensorflow/kept-apart.js';
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import {
  hasNativeKernels,
  nativeAttendGradient,
  nativeGather,
  nativeScale,
  nativeScaleValues,
  nativeScatter,
  nativeValueDots,
} from '../../backends/tensorflow/native.js';
import { keptRegion, ofKept } from '../../backends/tensorflow/region.js';
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
  const { mask } = attributes;
  const weights = softmaxAttention(run, { logits }, attributes);
  const values = mask.keepsAll ? null : keptValuesOf(run, matrix, mask.pattern);
  if (values) {
    const { pattern } = mask;
    return nativeScatter(run, nativeScaleValues(run, values, weights, pattern), pattern);
  }
  if (hasNativeKernels(run, mask.grid.blockShape)) {
    return nativeScale(run, matrix, ofKept(run, mask, weights), mask.grid);
  }
  const region = keptRegion(run, mask);
  return region.put(region.scaled(region.take(matrix), weights));
}

/** dy, matrix `[n, m]`, logits `[R, C]` → `[n, m]` and `[R, C]`. */
function attendBlocksGrad(
  run: TensorflowRun,
  { dy, matrix, logits }: Inputs<'dy' | 'matrix' | 'logits'>,
  attributes: Attributes,
): Handle[] {
  const { mask } = attributes;
  const weights = softmaxAttention(run, { logits }, attributes);
  const byLogits = (byWeights: Handle) => softmaxAttentionGrad(run, { dy: byWeights, logits }, attributes);
  if (isWorthSettingApart(run, mask)) {
    const { pattern } = mask;
    const flow = nativeGather(run, dy, pattern);
    const values = gatherKept(run, matrix, pattern);
    const byMatrix = nativeScaleValues(run, flow, weights, pattern);
    const byWeights = nativeValueDots(run, flow, values, pattern);
    return [scatteredWhenRead(run, byMatrix, pattern), byLogits(byWeights)];
  }
  if (hasNativeKernels(run, mask.grid.blockShape)) {
    const own = ofKept(run, mask, weights);
    const [byMatrix, byWeights] = nativeAttendGradient(run, dy, matrix, own, mask.grid);
    return [byMatrix, byLogits(byWeights)];
  }
  const region = keptRegion(run, mask);
  const flow = region.take(dy);
  const byWeights = region.dots(flow, region.take(matrix));
  return [region.put(region.scaled(flow, weights)), byLogits(byWeights)];
}

export const kernels = { AttendBlocks: attendBlocks, AttendBlocksGrad: attendBlocksGrad };
