import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { resnet, resnet18, resnet18Small, resnet20, resnet50 } from './resnet.js';

const trainable = (model: tf.LayersModel) =>
  model.trainableWeights.reduce((sum, { shape }) => sum + shape.reduce<number>((n, d) => n * (d ?? 1), 1), 0);

const small = {
  inputShape: [8, 8, 3],
  classes: 5,
  stem: 'small',
  stages: [
    { filters: 4, blocks: 1 },
    { filters: 8, blocks: 2 },
  ],
  shortcuts: 'padded',
} as const;

describe('resnet', () => {
  it("has the parameters of the papers' ResNet-20: 0.27 million", () => {
    // Convolutions: 27·16 + 6·9·16² + 9·16·32 + 5·9·32² + 9·32·64 + 5·9·64² = 267,696.
    // Scales and shifts: 2·(7·16 + 6·32 + 6·64) = 1,376. Logits: 64·10 + 10 = 650.
    expect(trainable(resnet({ ...resnet20, seed: 0 }))).toBe(267_696 + 1_376 + 650);
  });

  it('has the parameters of ResNet-18 on ImageNet, 11.7 million, and on small images', () => {
    // Convolutions after the stem: 4·9·64² = 147,456; 9·64·128 + 3·9·128² + 64·128 = 524,288; four times that in
    // each stage that follows: 2,097,152 and 8,388,608. Scales and shifts:
    // 2·(5·64 + 5·128 + 5·256 + 5·512) = 9,600.
    const common = 147_456 + 524_288 + 2_097_152 + 8_388_608 + 9_600;
    // A stem of 49·3·64 = 9,408; logits of 512·1000 + 1000.
    expect(trainable(resnet({ ...resnet18, seed: 0 }))).toBe(common + 9_408 + 513_000);
    // A stem of 9·3·64 = 1,728; logits of 512·10 + 10.
    expect(trainable(resnet({ ...resnet18Small, seed: 0 }))).toBe(common + 1_728 + 5_130);
  });

  it("has the parameters and the multiply-adds of torchvision's ResNet-50", () => {
    const model = resnet({ ...resnet50, seed: 0 });
    // As `sum(p.numel() for p in torchvision.models.resnet50().parameters())` says.
    expect(trainable(model)).toBe(25_557_032);
    // Pixels of the output by kernel size by channels in and out: 112²·49·3·64 in the stem, then of the stages
    const stages = [
      56 ** 2 * (64 * 64 + 9 * 64 ** 2 + 2 * 64 * 256 + 2 * (256 * 64 + 9 * 64 ** 2 + 64 * 256)),
      56 ** 2 * 256 * 128 + 28 ** 2 * (4 * 9 * 128 ** 2 + 4 * 128 * 512 + 256 * 512 + 3 * 512 * 128),
      28 ** 2 * 512 * 256 + 14 ** 2 * (6 * 9 * 256 ** 2 + 6 * 256 * 1024 + 512 * 1024 + 5 * 1024 * 256),
      14 ** 2 * 1024 * 512 + 7 ** 2 * (3 * 9 * 512 ** 2 + 3 * 512 * 2048 + 1024 * 2048 + 2 * 2048 * 512),
    ];
    const byHand = 112 ** 2 * 49 * 3 * 64 + stages.reduce((a, b) => a + b) + 2048 * 1000;
    expect(byHand).toBe(4_089_184_256);
    const multiplyAdds = model.layers.map((layer) => {
      const [kernel] = layer.getWeights();
      if (!kernel || layer.name.endsWith('_norm')) return 0;
      const [, height = 1, width = 1] = (kernel.rank === 4 ? layer.outputShape : []) as number[];
      return kernel.size * height * width;
    });
    expect(multiplyAdds.reduce((a, b) => a + b)).toBe(byHand);
    model.dispose();
  });

  it('has bottlenecks, with the stride in the 3 × 3 convolution (v1.5)', () => {
    const narrow = { filters: 2, blocks: 2 };
    const made = resnet({
      ...resnet50,
      inputShape: [64, 64, 3],
      classes: 7,
      stages: [narrow, narrow],
      seed: 0,
    });
    const shapes = ['conv1', 'conv2', 'conv3', 'shortcut'].map((name) => {
      const layer = made.getLayer(`stage2_block1_${name}`);
      return [layer.getWeights()[0]?.shape, layer.outputShape];
    });
    expect(shapes).toEqual([
      [
        [1, 1, 8, 2],
        [null, 16, 16, 2],
      ],
      [
        [3, 3, 2, 2],
        [null, 8, 8, 2],
      ],
      [
        [1, 1, 2, 8],
        [null, 8, 8, 8],
      ],
      [
        [1, 1, 8, 8],
        [null, 8, 8, 8],
      ],
    ]);
    expect(made.layers.map(({ name }) => name)).not.toContain('stage2_block2_shortcut');
    expect(made.outputs[0]?.shape).toEqual([null, 7]);
    made.dispose();
  });

  it('starts the last scale of each block at what is asked for, and no other', () => {
    const scales = (lastScale: 0 | 1) =>
      resnet({ ...small, block: 'bottleneck', shortcuts: 'projected', lastScale, seed: 0 })
        .layers.filter(({ name }) => name.endsWith('_norm'))
        .map(({ name, weights }) => [
          name.includes('_conv3_'),
          Math.max(...(weights[0]?.read().dataSync() ?? [])),
        ]);
    for (const [isLast, scale] of scales(0)) expect(scale).toBe(isLast ? 0 : 1);
    for (const [, scale] of scales(1)) expect(scale).toBe(1);
    expect(scales(0).filter(([isLast]) => isLast).length).toBe(3);
  });

  it('halves the image in each stage after the first', () => {
    const outputs = (model: tf.LayersModel, name: string) => model.getLayer(name).outputShape;
    const model = resnet({ ...resnet18, seed: 0 });
    expect(outputs(model, 'stem')).toEqual([null, 112, 112, 64]);
    expect(outputs(model, 'stage1_block2_sum')).toEqual([null, 56, 56, 64]);
    expect(outputs(model, 'stage4_block2_sum')).toEqual([null, 7, 7, 512]);
    expect(model.outputs[0]?.shape).toEqual([null, 1000]);
  });

  it('starts normal with variance 2 / fan-in', () => {
    const kernel = resnet({ ...resnet20, seed: 3 })
      .getLayer('stage3_block2_conv1')
      .getWeights()[0];
    const values = Array.from(kernel?.dataSync() ?? []);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const expected = 2 / (9 * 64);
    // Of 36,864 draws the variance has a relative standard error of √(2 / 36,864), under a hundredth.
    expect(variance / expected).toBeGreaterThan(0.96);
    expect(variance / expected).toBeLessThan(1.04);
    // Not truncated: 1 of 370 lies beyond three standard deviations.
    expect(values.some((value) => Math.abs(value) > 3 * Math.sqrt(expected))).toBe(true);
  });

  it.each(['basic', 'bottleneck'] as const)(
    'starts the same for the same seed, otherwise for another, and no two kernels alike: %s',
    (block) => {
      const kernels = (seed: number) =>
        resnet({ ...small, block, seed })
          .getWeights()
          .filter(({ shape }) => shape.length === 4)
          .map((kernel) => [...kernel.dataSync()]);
      expect(kernels(0)).toEqual(kernels(0));
      expect(kernels(0)).not.toEqual(kernels(1));
      const ratios = [...kernels(0), ...kernels(1)].map(([first = 0, second = 0]) => first / second);
      expect(new Set(ratios).size).toBe(ratios.length);
    },
  );

  it("passes a block's input on beside it, subsampled, the new channels zero", () => {
    const model = resnet({ ...small, seed: 0 });
    const sum = model.getLayer('stage2_block1_sum');
    const before = model.getLayer('stage1_block1_sum');
    // With every kernel of the block at zero its sum is the shortcut alone.
    const conv2 = model.getLayer('stage2_block1_conv2');
    conv2.setWeights(conv2.getWeights().map((weight) => tf.zerosLike(weight)));
    const probe = tf.model({
      inputs: model.inputs,
      outputs: [before.output as tf.SymbolicTensor, sum.output as tf.SymbolicTensor],
    });
    const images = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 7);
    const [input, output] = probe.predict(images) as [tf.Tensor4D, tf.Tensor4D];
    const expected = input.relu().arraySync() as number[][][][];
    const actual = output.arraySync();
    expect(output.shape).toEqual([2, 4, 4, 8]);
    actual.forEach((image, n) =>
      image.forEach((row, y) =>
        row.forEach((pixel, x) => {
          const kept = expected[n]?.[2 * y]?.[2 * x] ?? [];
          expect(pixel).toEqual([0, 0, ...kept, 0, 0]);
        }),
      ),
    );
  });

  it.each(['padded', 'projected'] as const)('learns with %s shortcuts, and leaks no tensor', (shortcuts) => {
    const model = resnet({ ...small, shortcuts, seed: 0 });
    const optimizer = tf.train.momentum(0.05, 0.9);
    const images = tf.randomNormal([8, 8, 8, 3], 0, 1, 'float32', 1);
    const labels = tf.oneHot(
      tf.tensor1d(
        [...Array(8).keys()].map((i) => i % 5),
        'int32',
      ),
      5,
    );
    const step = () => {
      const loss = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(labels, model.apply(images, { training: true }) as tf.Tensor),
        true,
      ) as tf.Scalar;
      const value = loss.dataSync()[0] as number;
      loss.dispose();
      return value;
    };
    const first = step();
    const before = tf.memory().numTensors;
    let last = first;
    for (let i = 0; i < 10; i++) last = step();
    expect(tf.memory().numTensors).toBe(before);
    expect(last).toBeLessThan(first / 2);
  });
});
