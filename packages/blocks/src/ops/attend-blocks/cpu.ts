/** Softmax attention over the kept blocks of a matrix, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { kernels as ofAttention } from '../softmax-attention/cpu.js';
import { kernels as ofBlocks } from '../scale-blocks/cpu.js';
import type { AttentionAttributes } from '../softmax-attention/index.js';
import type { MaskAttribute } from '../../training-mask.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;
type Attributes = AttentionAttributes & MaskAttribute;

/** matrix `[n, m]`, logits `[R, C]` → `[n, m]`. */
function attendBlocks({ matrix, logits }: Inputs<'matrix' | 'logits'>, attributes: Attributes): CpuTensor {
  const scale = kept(ofAttention.SoftmaxAttention({ logits }, attributes), attributes);
  return ofBlocks.ScaleBlocks({ matrix, scale }, attributes.mask.grid);
}

/** dy, matrix `[n, m]`, logits `[R, C]` → `[n, m]` and `[R, C]`. */
function attendBlocksGrad(
  { dy, matrix, logits }: Inputs<'dy' | 'matrix' | 'logits'>,
  attributes: Attributes,
): CpuTensor[] {
  const scale = kept(ofAttention.SoftmaxAttention({ logits }, attributes), attributes);
  const [byMatrix, byScale] = ofBlocks.ScaleBlocksGrad({ dy, matrix, scale }, attributes.mask.grid);
  const flow = kept(byScale!, attributes);
  return [byMatrix!, ofAttention.SoftmaxAttentionGrad({ dy: flow, logits }, attributes)];
}

/** Zeros at the blocks that are pruned. */
function kept({ shape, values }: CpuTensor, { mask }: MaskAttribute): CpuTensor {
  const bits = mask.pattern.mask();
  return { shape, values: values.map((value, block) => (bits[block] ? value : 0)) };
}

export const kernels = { AttendBlocks: attendBlocks, AttendBlocksGrad: attendBlocksGrad };
