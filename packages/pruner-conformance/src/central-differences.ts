/** For a strategy's own tests of its gradients. */
import { aFunction, anInstance, assertArgument, numberIn } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

/**
 * The derivative of a loss by each number of a variable, by central differences. The variable has its value again
 * afterwards.
 *
 * @param step how far each number is moved, to either side
 */
export function centralDifferences(loss: () => tf.Scalar, variable: tf.Variable, step: number): number[] {
  const of = 'centralDifferences()';
  assertArgument(of, 'loss', loss, aFunction('a function of nothing that makes the loss: () => tf.Scalar'));
  assertArgument(of, 'variable', variable, anInstance(tf.Variable, 'a tf.Variable'));
  assertArgument(of, 'step', step, numberIn('(0, ∞)'));
  const start = Array.from(variable.dataSync<'float32'>());
  const assign = (values: number[]) => tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  const at = (i: number, delta: number): number => {
    assign(start.map((value, j) => (i === j ? value + delta : value)));
    return tf.tidy(() => loss().dataSync<'float32'>()[0] as number);
  };
  const differences = start.map((_, i) => (at(i, step) - at(i, -step)) / (2 * step));
  assign(start);
  return differences;
}
