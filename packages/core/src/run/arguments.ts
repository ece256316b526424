/** What `sparsify` is given to prune, before anything is done with it. */
import { describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

const SUBJECT = 'sparsify() takes a tf.LayersModel, or an object of tf.Variables by name';

/** @throws TypeError for what is neither a model nor variables */
export function assertSubject(subject: unknown): void {
  if (subject instanceof tf.LayersModel) return;
  const refuse = (what: string, wayOut = '') => {
    throw new TypeError(`${SUBJECT}: it is given ${what}${wayOut}`);
  };
  if (typeof subject !== 'object' || subject === null || Array.isArray(subject))
    refuse(describeValue(subject));
  if (subject instanceof tf.GraphModel) {
    refuse(
      'a tf.GraphModel',
      ', whose weights are constants: convert the model to a layers model (tensorflowjs_converter with ' +
        '--output_format=tfjs_layers_model) and load it by tf.loadLayersModel()',
    );
  }
  if (typeof (subject as { then?: unknown }).then === 'function') refuse('a promise', ': await it');
  if (subject instanceof tf.Tensor || subject instanceof tf.layers.Layer) {
    refuse(describeValue(subject), subject instanceof tf.Variable ? ': give it a name, { w }' : '');
  }
  if (typeof (subject as tf.LayersModel).trainOnBatch === 'function') {
    refuse(
      'a model of another copy of @tensorflow/tfjs',
      ': two are installed, `npm ls @tensorflow/tfjs` tells where; they have to be one',
    );
  }
  if (Object.keys(subject as object).length === 0) refuse('no variable at all');
  for (const [name, variable] of Object.entries(subject as object)) {
    if (!(variable instanceof tf.Variable)) refuse(`${describeValue(variable)} as ${name}`);
    if ((variable as tf.Variable).isDisposed) refuse(`${name}, a variable that is disposed of`);
  }
}
