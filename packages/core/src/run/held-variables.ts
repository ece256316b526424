/** Which variables runs hold: a second one would take their raw weights for effective ones. */
import { anInstance, assertArgument } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

/** Of runs that go on, and of those that ended and keep the zeros. */
const underPruning = new WeakSet<tf.Variable>();
const keptAtZeros = new WeakSet<tf.Variable>();

const aVariable = anInstance(tf.Variable, 'a tf.Variable');

/** Whether a run holds the variable, so that it is a raw weight. */
export function isUnderPruning(variable: tf.Variable): boolean {
  assertArgument('isUnderPruning()', 'variable', variable, aVariable);
  return underPruning.has(variable);
}

/** Whether a run that has ended keeps the variable's zeros: it is a plain weight, masked whenever it is read. */
export function keepsZeros(variable: tf.Variable): boolean {
  return keptAtZeros.has(variable);
}

/** A run begins to hold it. */
export function hold(variable: tf.Variable): void {
  underPruning.add(variable);
}

/** The run has ended. */
export function letGo(variable: tf.Variable, keepZeros: boolean): void {
  underPruning.delete(variable);
  if (keepZeros) keptAtZeros.add(variable);
  else keptAtZeros.delete(variable);
}
