// Stochastic gradient descent with momentum and weight decay, with the semantics of PyTorch's torch.optim.SGD.

import { assertOptions, numberIn, required, trueOrFalse } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { momentumStep } from './ops/momentum-update/index.js';
import { sgdStep } from './ops/sgd-update/index.js';
import { aGroupList, configOf, type ParameterGroup, type VariableSettings } from './parameter-groups.js';
import { aRate, fromZero, SlotOptimizer } from './slot-optimizer.js';

export interface SgdSettings {
  /** Step size; finite, at least 0. */
  readonly learningRate: number;
  /** Share of the velocity that a step keeps, in [0, 1). Default 0: no velocity is kept. */
  readonly momentum?: number;
  /** Factor of the weight that is added to its gradient (an L2 penalty), at least 0. Default 0. */
  readonly weightDecay?: number;
  /** Nesterov's momentum; needs momentum above 0. Default false. */
  readonly nesterov?: boolean;
  /** Variables that are to have a learning rate or a decay of their own. Default none. */
  readonly groups?: readonly ParameterGroup[];
}

/**
 * d = g + weightDecay · w; v ← momentum · v + d; w ← w - learningRate · (nesterov ? d + momentum · v : v).
 *
 * The learning rate is not part of the velocity: changing it acts at once. (Sutskever et al., 2013, and tfjs'
 * own momentum optimiser without decay agree; decay is that of torch.optim.SGD.)
 */
export class SgdOptimizer extends SlotOptimizer {
  static readonly className = 'EspalierSgd';

  readonly momentum: number;
  readonly nesterov: boolean;
  protected readonly slotNames: readonly string[];

  constructor(settings: SgdSettings) {
    assertOptions('sgd()', settings, {
      learningRate: required(aRate),
      momentum: numberIn('[0, 1)'),
      weightDecay: fromZero,
      nesterov: trueOrFalse,
      groups: aGroupList,
    });
    const { learningRate, momentum = 0, weightDecay = 0, nesterov = false, groups = [] } = settings;
    if (nesterov && momentum === 0) {
      throw new RangeError('sgd(): nesterov = true takes a momentum in (0, 1), and momentum = 0');
    }
    super(learningRate, weightDecay, groups);
    this.momentum = momentum;
    this.nesterov = nesterov;
    this.slotNames = momentum === 0 ? [] : ['momentum'];
  }

  protected update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    [velocity]: readonly tf.Variable[],
    _step: number,
    settings: VariableSettings,
  ) {
    const { momentum, nesterov } = this;
    return velocity
      ? momentumStep(weight, gradient, velocity, { ...settings, momentum, nesterov })
      : sgdStep(weight, gradient, settings);
  }

  /** `learningRate · (1 + momentum + momentum² + …)`, a term for each step and with Nesterov's momentum one more. */
  protected override distance(_: readonly tf.Variable[], step: number): number {
    const { learningRate, momentum, nesterov } = this;
    return (learningRate * (1 - momentum ** (nesterov ? step + 1 : step))) / (1 - momentum);
  }

  getConfig(): tf.serialization.ConfigDict {
    const { learningRate, momentum, weightDecay, nesterov, groups } = this;
    const own = groups.length > 0 && { groups: configOf(groups) };
    return { learningRate, momentum, weightDecay, nesterov, ...own };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config as unknown as SgdSettings);
  }
}

/**
 * An optimiser for `model.compile`, `minimize` or `applyGradients`.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function sgd(settings: SgdSettings): SgdOptimizer {
  return new SgdOptimizer(settings);
}
