/** Check: gradients reach everything that trains, and are the right ones. */
import {
  keepAll,
  phaseAt,
  placePhases,
  sparsify,
  type KernelState,
  type VariablePruning,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ConformanceError, ensure, type Check } from './conformance.js';
import {
  calibrated,
  defaultTarget,
  effectiveValues,
  onBackend,
  randomTensor,
  randomValues,
  stepsFor,
} from './workbench.js';

const SHAPE = [6, 5] as const;
/** Distances for finite differences: a smaller one where there is a kink within the larger. */
const STEPS = [4e-3, 1e-3, 2.5e-4];
/** Of the largest derivative. */
const TOLERANCE = 1e-2;
/** What rounding in single precision may put on the loss. */
const ROUNDING = 5e-7;
/** Of the derivatives by a quantity, over all moments, at least so many must be away from a kink. */
const SMOOTH_SHARE = 0.5;

/** What was seen of the gradient by one trained quantity. */
interface Seen {
  largest: number;
  measured: number;
  smooth: number;
}

/**
 * The gradients of the effective weight by the raw weight and by each trainable are those of finite differences,
 * at the first step of each phase and at the last step of all. Kinks (a threshold, a clip) are left out.
 */
export const checkGradients: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const totalSteps = stepsFor(pruner, options);
  const w = tf.variable(randomTensor(SHAPE, 21));
  const goal = randomTensor(SHAPE, 22);
  const rows = randomTensor([6, SHAPE[0]], 23);
  const optimizer = tf.train.sgd(0.1);
  const blockShape = [2, 2] as const;
  const pruning = await sparsify({ w }, pruner, {
    ...defaultTarget,
    sparsity: 0.5,
    blockShape,
    totalSteps,
    optimizer,
    ...calibrated(pruner, () => ({ w: rows })),
  });
  const [kernel] = pruning.kernels as [KernelState];
  const started = Object.entries(kernel.trainables).map(
    ([name, variable]) => [name, valuesOf(variable)] as const,
  );

  const placed = placePhases(pruner.search.phases, totalSteps);
  const firstOf = new Map(placed.map(({ phase, start }) => [phase.name, start]));
  const moments = new Set([0, totalSteps - 1, ...firstOf.values()]);
  const seen = new Map<string, Seen>();
  for (let step = 0; step < totalSteps; step++) {
    if (moments.has(step)) compareGradients(pruning, kernel, phaseAt(placed, step).phase.others, step, seen);
    const loss = () => pruning.weight('w').sub(goal).square().sum() as tf.Scalar;
    optimizer.minimize(loss, false, [w, ...pruning.addedVariables]);
    await pruning.step();
  }
  for (const [name, { largest, measured, smooth }] of seen) {
    ensure(largest > 0, `The gradient of ${name} is zero in every phase: it never trains`);
    ensure(
      smooth >= SMOOTH_SHARE * measured,
      `Of ${measured} derivatives by ${name} only ${smooth} could be measured: the effective weight jumps or bends there`,
    );
  }
  for (const [name, before] of started) {
    const after = valuesOf(kernel.trainables[name] as tf.Variable);
    ensure(
      after.some((value, i) => value !== before[i]),
      `The trainable '${name}' has not moved in ${totalSteps} steps`,
    );
  }
  await pruning.finalize();
});

/** @param seen what was seen until now, by the variable's name */
function compareGradients(
  pruning: VariablePruning,
  kernel: KernelState,
  others: 'pruned' | 'active' | undefined,
  step: number,
  seen: Map<string, Seen>,
): void {
  const coefficients = randomValues(tf.util.sizeFromShape([...SHAPE]), 23 + step);
  const trained = { 'the raw weight': kernel.variable, ...kernel.trainables };
  const gradients = gradientsOf(kernel, coefficients, trained);
  // Where the gradient passes the mask, it is that of the weight without one.
  const { chosen } = kernel;
  if (pruning.pruner.search.gradient === 'all') kernel.restoreChoice(keepAll(kernel.grid.blocks));
  for (const [name, variable] of Object.entries(trained)) {
    const gradient = gradients[name] as Float32Array;
    const measured = finiteDifferences(() => inner(effectiveValues(kernel), coefficients), variable);
    const where = `${name} in step ${step + 1}`;
    const scale = Math.max(...measured.map((derivative) => Math.abs(derivative?.value ?? 0)));
    measured.forEach((derivative, i) => {
      const given = gradient[i] as number;
      ensure(Number.isFinite(given), `The gradient by ${where} is not finite: its number ${i} is ${given}`);
      if (derivative === null) return;
      const { value, error } = derivative;
      ensure(
        Math.abs(given - value) <= TOLERANCE * scale + error,
        `The gradient by ${where} is wrong: its number ${i} is ${given}, by finite differences ${value}`,
      );
    });
    const before = seen.get(name) ?? { largest: 0, measured: 0, smooth: 0 };
    seen.set(name, {
      largest: gradient.reduce((max, value) => Math.max(max, Math.abs(value)), before.largest),
      measured: before.measured + measured.length,
      smooth: before.smooth + measured.filter((derivative) => derivative !== null).length,
    });
  }
  kernel.restoreChoice(chosen, others);
}

/** The gradients of `Σ c ⊙ effective`, by each of the variables. */
function gradientsOf(
  kernel: KernelState,
  coefficients: Float32Array,
  trained: Readonly<Record<string, tf.Variable>>,
): Record<string, Float32Array> {
  return tf.tidy(() => {
    const c = tf.tensor(coefficients, kernel.variable.shape);
    const { grads } = differentiate(
      () => kernel.effective().mul(c).sum() as tf.Scalar,
      Object.values(trained),
    );
    return Object.fromEntries(
      Object.entries(trained).map(([name, variable]) => {
        const gradient = grads[variable.name];
        ensure(
          gradient !== undefined,
          `No gradient reaches ${name}: make the effective weight of it by differentiable operations`,
        );
        return [name, gradient.dataSync<'float32'>().slice()];
      }),
    );
  });
}

function differentiate(f: () => tf.Scalar, variables: tf.Variable[]): ReturnType<typeof tf.variableGrads> {
  try {
    return tf.variableGrads(f, variables);
  } catch (error) {
    throw new ConformanceError('The effective weight cannot be differentiated', { cause: error });
  }
}

/** A derivative, and how far off rounding may have put it. */
interface Measured {
  readonly value: number;
  readonly error: number;
}

/** The derivative by each number of a variable; null where it is not the same from two distances. */
function finiteDifferences(f: () => number, variable: tf.Variable): (Measured | null)[] {
  const values = valuesOf(variable);
  const at = (i: number, delta: number) => {
    assign(
      variable,
      values.map((value, j) => (i === j ? value + delta : value)),
    );
    return f();
  };
  const slope = (i: number, h: number) => (at(i, h) - at(i, -h)) / (2 * h);
  const measure = (i: number): Measured | null => {
    for (const h of STEPS) {
      const [wide, near] = [slope(i, h), slope(i, h / 2)];
      const error = ROUNDING / h;
      if (Math.abs(wide - near) <= (TOLERANCE / 3) * Math.abs(wide) + error) return { value: near, error };
    }
    return null;
  };
  const derivatives = Array.from(values, (_, i) => measure(i));
  assign(variable, values);
  return derivatives;
}

function assign(variable: tf.Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}

function valuesOf(variable: tf.Variable): Float32Array {
  return variable.dataSync<'float32'>().slice();
}

/** In double precision, so that small differences are not lost. */
function inner(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
