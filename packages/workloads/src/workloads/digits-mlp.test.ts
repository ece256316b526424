import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import digitsMlp from './digits-mlp.js';

beforeAll(() => tf.setBackend('cpu'));

describe('digits-mlp', () => {
  it('has data and a model that fit, and learns from them', async () => {
    const data = await digitsMlp.load({ dataFolder: '', seed: 0 });
    const model = await digitsMlp.model(0, data);
    const optimizer = digitsMlp.optimizer();
    const batchOf = async (first: number) => {
      const indices = Int32Array.from({ length: 32 }, (_, i) => (first + i) % data.train.count);
      const { inputs, targets } = await data.train.gather(indices);
      return [tf.tensor2d(inputs[0]!, [32, 64]), tf.tensor1d(targets, 'int32')] as const;
    };
    const losses: number[] = [];
    for (let step = 0; step < 40; step++) {
      const [inputs, targets] = await batchOf(step * 32);
      const loss = () => digitsMlp.task.loss(model.apply(inputs) as tf.Tensor, targets);
      losses.push(optimizer.minimize(loss, true)!.dataSync()[0]!);
    }
    // Of ten classes that nothing is known of, ln 10.
    expect(losses[0]).toBeCloseTo(Math.log(10), 0);
    expect(losses.at(-1)).toBeLessThan(Math.log(5));
  });
});
