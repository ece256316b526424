// A small training run with every seed fixed, the same in Node and in a browser: what the browser test compares.

import { sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import '../index.js';

/** Losses of ten steps of a convolutional network with batch normalisation, on the backend that is active. */
export function trainSmallNetwork(): number[] {
  let seed = 1;
  const kernelInitializer = () => tf.initializers.heNormal({ seed: seed++ });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: 8,
        kernelSize: 3,
        inputShape: [12, 12, 3],
        kernelInitializer: kernelInitializer(),
      }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 16, activation: 'relu', kernelInitializer: kernelInitializer() }),
      tf.layers.dense({ units: 4, kernelInitializer: kernelInitializer() }),
    ],
  });
  const images = tf.randomUniform([16, 12, 12, 3], -1, 1, 'float32', seed++);
  const labels = tf.oneHot(tf.range(0, 16, 1, 'int32').mod(tf.scalar(4, 'int32')), 4);
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4 });
  return Array.from({ length: 10 }, () =>
    tf.tidy(() => {
      const lossOf = () => {
        const logits = model.apply(images, { training: true }) as tf.Tensor;
        return tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
      };
      return optimizer.minimize(lossOf, true)!.dataSync()[0]!;
    }),
  );
}
