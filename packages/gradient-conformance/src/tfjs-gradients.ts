/** One call of an op, differentiated by tfjs on the backend of the moment. */
import * as tf from '@tensorflow/tfjs';

import { tensorOf, valuesOf, type Weighing } from './known.js';

/**
 * The gradients of the weighed sum by each input of float32, as tfjs has them.
 *
 * @throws what tfjs throws where it has none, and an Error for a gradient that is not of the input's shape
 */
export async function tfjsGradients({ op, sample, weights }: Weighing): Promise<(number[] | null)[]> {
  const gradients = tf.tidy(() => {
    const inputs = sample.inputs.map(tensorOf);
    const loss = (...differentiable: tf.Tensor[]) => {
      const rest = [...differentiable];
      const all = inputs.map((input) => (input.dtype === 'float32' ? rest.shift()! : input));
      const out = [op.compute(all as never, sample.attributes as never)].flat();
      let offset = 0;
      const parts = out.map((tensor) => {
        const own = weights.slice(offset, (offset += tensor.size));
        return tf.sum(tf.mul(tensor, tf.tensor([...own], tensor.shape)));
      });
      return parts.reduce((sum, part) => tf.add(sum, part)) as tf.Scalar;
    };
    return tf.grads(loss as never)(inputs.filter(({ dtype }) => dtype === 'float32'));
  });
  const shapes = sample.inputs.flatMap(({ dtype, shape }) => (dtype === 'float32' ? [shape] : []));
  gradients.forEach(({ shape }, i) => {
    if (tf.util.arraysEqual(shape, [...shapes[i]!])) return;
    throw new Error(`The gradient of ${op.name} has the shape [${shape}], its input [${shapes[i]}]`);
  });
  const values = await valuesOf(gradients);
  return sample.inputs.map(({ dtype }) => (dtype === 'float32' ? values.shift()! : null));
}
