/**
 * How far an optimiser's step goes, for the proximal step that follows it. A proximal step shrinks what trains by
 * `t λ`, t the step size; the minimum of the loss with its penalty stays where it is only if t is that which the
 * gradient acts by. So the step size is what the last step has moved a variable by for each unit of a gradient that
 * has been the same since the optimiser forgot, k steps ago:
 *
 *     SGD        η
 *     momentum   η (1 − μᵏ) / (1 − μ), which comes to η / (1 − μ);  Nesterov's: η (1 − μᵏ⁺¹) / (1 − μ)
 *     Adagrad    η / √(a + ε)
 *     RMSProp    η / √(v + ε);  centred: η / √(v − m² − ε)
 *     Adam       η / (√(v / (1 − β₂ᵏ)) + ε)
 *     Adamax     η / (1 + i decay) / (u + ε), i its steps before this one
 *
 * a, v, m and u after the step, one number for each weight. RMSProp with momentum gathers steps of other v and other
 * rates, which it does not keep, as Adadelta does not. tfjs has these in fields that it does not document; an optimiser
 * from elsewhere offers `stepSize(variable)`.
 */
import * as tf from '@tensorflow/tfjs';

/** An optimiser that tells how far its step goes. */
export interface SteppingOptimizer extends tf.Optimizer {
  /**
   * What the last step moved the variable by for each unit of a gradient that has always been the same: a number, or a
   * tensor of the variable's shape that the caller disposes.
   */
  stepSize(variable: tf.Variable): number | tf.Tensor;
}

/** What tfjs keeps beside a variable: its place in the list is the variable's among those that train. */
type Slots = readonly { readonly originalName: string; readonly variable: tf.Variable }[];

/** The fields of tfjs' optimisers; each has some of them. */
interface Fields {
  readonly iterations: number;
  readonly learningRate: number;
  /** −η */
  readonly c: tf.Scalar;
  /** μ */
  readonly m: tf.Scalar;
  readonly momentum: number;
  readonly useNesterov: boolean;
  readonly epsilon: number;
  readonly beta2: number;
  readonly accBeta2: tf.Variable;
  readonly decay: number;
  /** Adamax' own count, which its decay goes by: a reset leaves it. */
  readonly iteration: tf.Variable;
  readonly centered: boolean;
  readonly accumulatedGrads: Slots;
  readonly accumulatedMeanSquares: Slots;
  readonly accumulatedMeanGrads: Slots;
  readonly accumulatedSecondMoment: Slots;
  readonly accumulatedWeightedInfNorm: Slots;
}

type Rule = (optimizer: Fields, own: (slots: Slots) => tf.Tensor) => tf.Tensor;

/** By the class' name with tfjs. */
const rules: Readonly<Record<string, Rule>> = {
  SGD: ({ c }) => c.neg(),
  Momentum: ({ c, m, useNesterov, iterations }) =>
    gathered(m, iterations + (useNesterov ? 1 : 0)).mul(c.neg()),
  Adagrad: ({ learningRate, accumulatedGrads }, own) =>
    tf.div(learningRate, own(accumulatedGrads).add(tf.backend().epsilon()).sqrt()),
  RMSProp: ({ learningRate, epsilon, centered, ...slots }, own) => {
    const square = own(slots.accumulatedMeanSquares);
    const scale = centered
      ? square.sub(own(slots.accumulatedMeanGrads).square()).sub(epsilon)
      : square.add(epsilon);
    return tf.div(learningRate, scale.sqrt());
  },
  Adam: ({ learningRate, beta2, epsilon, accBeta2, accumulatedSecondMoment }, own) => {
    // The power of the step to come stands there.
    const corrected = own(accumulatedSecondMoment).div(tf.sub(1, accBeta2.div(beta2)));
    return tf.div(learningRate, corrected.sqrt().add(epsilon));
  },
  Adamax: ({ learningRate, decay, epsilon, iteration, accumulatedWeightedInfNorm }, own) => {
    const rate = tf.div(learningRate, iteration.sub(1).mul(decay).add(1));
    return rate.div(own(accumulatedWeightedInfNorm).add(epsilon));
  },
};

/** `1 + μ + μ² + …`, k terms. */
function gathered(momentum: tf.Scalar, k: number): tf.Scalar {
  return tf.sub(1, momentum.pow(k)).div(tf.sub(1, momentum));
}

/**
 * The step size of the optimiser's last step, a scalar or of the variable's shape.
 *
 * @param trained the variables that the optimiser trains, in its order, where that is known
 * @throws Error for an optimiser that does not tell it, or that does not train the variable
 */
export function stepSize(
  optimizer: tf.Optimizer,
  variable: tf.Variable,
  trained?: readonly tf.Variable[],
): tf.Tensor {
  if (tellsStepSize(optimizer)) {
    const size = optimizer.stepSize(variable);
    return typeof size === 'number' ? tf.scalar(size) : size;
  }
  const fields = optimizer as unknown as Fields;
  const name = optimizer.getClassName();
  const rule = name === 'RMSProp' && fields.momentum !== 0 ? undefined : rules[name];
  if (rule) return tf.tidy(() => rule(fields, (slots) => slotOf(slots, variable, trained)));
  throw new Error(
    `The optimizer ${name} does not tell how far its step goes: take one of tf.train but adadelta and rmsprop with ` +
      'momentum, or give yours a method stepSize(variable)',
  );
}

function tellsStepSize(optimizer: tf.Optimizer): optimizer is SteppingOptimizer {
  return 'stepSize' in optimizer && typeof optimizer.stepSize === 'function';
}

/**
 * The slot of a variable: by its name, or, where the slots are restored ones that were those of variables of other
 * names, by its place.
 */
function slotOf(slots: Slots, variable: tf.Variable, trained: readonly tf.Variable[] = []): tf.Tensor {
  const names = slots.map(({ originalName }) => originalName.slice(0, originalName.lastIndexOf('/')));
  const fits = (place: number, { shape } = variable) => slots[place]?.variable.shape.join() === shape.join();
  const registered = tf.engine().registeredVariables;
  const named = names.every((name, place) => registered[name] && fits(place, registered[name]));
  const byName = named ? names.indexOf(variable.name) : -1;
  const place = byName < 0 && slots.length === trained.length ? trained.indexOf(variable) : byName;
  if (fits(place)) return slots[place]!.variable;
  throw new Error(
    slots.length === 0
      ? `The optimizer has taken no step of ${variable.name} since it was last reset: call step() after it has`
      : `The optimizer stores nothing for ${variable.name}, but for ${names.join(', ')}: train it, or restore the ` +
          'optimizer for variables of the same names',
  );
}
