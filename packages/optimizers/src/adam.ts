// Adam (Kingma and Ba, 2015) with L2 weight decay, with the semantics of PyTorch's torch.optim.Adam. The decay is
// part of the gradient, not decoupled from it as in AdamW.

import { assertOptions, numberIn } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { adamStep } from './ops/adam-update/index.js';
import { aGroupList, configOf, type ParameterGroup, type VariableSettings } from './parameter-groups.js';
import { aRate, fromZero, SlotOptimizer } from './slot-optimizer.js';

export interface AdamSettings {
  /** Step size; finite, at least 0. Default 0.001. */
  readonly learningRate?: number;
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment, at least 0. Default 1e-8. */
  readonly epsilon?: number;
  /** Factor of the weight that is added to its gradient (an L2 penalty, not AdamW's decay), at least 0. Default 0. */
  readonly weightDecay?: number;
  /** Variables that are to have a learning rate or a decay of their own. Default none. */
  readonly groups?: readonly ParameterGroup[];
}

/**
 * d = g + weightDecay · w; m ← beta1 · m + (1 - beta1) · d; v ← beta2 · v + (1 - beta2) · d²;
 * w ← w - learningRate · (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), t counting from the last reset.
 */
export class AdamOptimizer extends SlotOptimizer {
  static readonly className = 'EspalierAdam';

  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  protected readonly slotNames = ['m', 'v'];

  constructor(settings: AdamSettings = {}) {
    assertOptions('adam()', settings, {
      learningRate: aRate,
      beta1: numberIn('[0, 1)'),
      beta2: numberIn('[0, 1)'),
      epsilon: fromZero,
      weightDecay: fromZero,
      groups: aGroupList,
    });
    const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = settings;
    super(learningRate, weightDecay, settings.groups);
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
  }

  protected update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    [first, second]: readonly tf.Variable[],
    step: number,
    settings: VariableSettings,
  ) {
    const { beta1, beta2, epsilon } = this;
    return adamStep(weight, gradient, first!, second!, { ...settings, beta1, beta2, epsilon, step });
  }

  /** `learningRate / (sqrt(v / (1 - beta2^t)) + epsilon)` */
  protected override distance([, second]: readonly tf.Variable[], step: number): tf.Tensor {
    const corrected = second!.div(1 - this.beta2 ** step);
    return tf.div(this.learningRate, corrected.sqrt().add(this.epsilon));
  }

  getConfig(): tf.serialization.ConfigDict {
    const { learningRate, beta1, beta2, epsilon, weightDecay, groups } = this;
    const own = groups.length > 0 && { groups: configOf(groups) };
    return { learningRate, beta1, beta2, epsilon, weightDecay, ...own };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config as unknown as AdamSettings);
  }
}

/**
 * An optimiser for `model.compile`, `minimize` or `applyGradients`.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function adam(settings: AdamSettings = {}): AdamOptimizer {
  return new AdamOptimizer(settings);
}
