/**
 * Residual networks of basic blocks (He et al., "Deep residual learning for image recognition", arXiv 1512.03385):
 * ResNet-20 of its section 4.2 and ResNet-18 of its table 1.
 */
import {
  anObject,
  aSeed,
  assertOptions,
  listOf,
  oneOf,
  required,
  wholeNumber,
  type Expected,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface ResnetSettings {
  /** Height, width and channels of an image. */
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  /** `small`: a 3 × 3 convolution. `large`: a 7 × 7 one and a pooling, each of stride 2, for images as ImageNet's. */
  readonly stem: 'small' | 'large';
  /** For each stage, its channels and its blocks of two convolutions; each stage after the first halves the image. */
  readonly stages: readonly { readonly filters: number; readonly blocks: number }[];
  /**
   * How a block's input reaches its sum where the shape changes; elsewhere it is the identity. `padded`: every
   * second pixel, and zeros for the new channels (the paper's option A). `projected`: a 1 × 1 convolution (option B).
   */
  readonly shortcuts: 'padded' | 'projected';
  /** Fixes every initial weight: the same on every backend. */
  readonly seed: number;
}

const imagenetStages = [64, 128, 256, 512].map((filters) => ({ filters, blocks: 2 }));

/** ResNet-20 for 32 × 32 colour images in 10 classes: 0.27 million parameters. */
export const resnet20 = {
  inputShape: [32, 32, 3],
  classes: 10,
  stem: 'small',
  stages: [16, 32, 64].map((filters) => ({ filters, blocks: 3 })),
  shortcuts: 'padded',
} as const satisfies Omit<ResnetSettings, 'seed'>;

/** ResNet-18 for 224 × 224 colour images in 1000 classes: 11.7 million parameters. */
export const resnet18 = {
  inputShape: [224, 224, 3],
  classes: 1000,
  stem: 'large',
  stages: imagenetStages,
  shortcuts: 'projected',
} as const satisfies Omit<ResnetSettings, 'seed'>;

/** ResNet-18 as it is used on 32 × 32 colour images in 10 classes: 11.2 million parameters. */
export const resnet18Small = {
  ...resnet18,
  inputShape: [32, 32, 3],
  classes: 10,
  stem: 'small',
} as const satisfies Omit<ResnetSettings, 'seed'>;

/**
 * `resnet({ ...resnet20, seed: 0 })`: images `[batch, height, width, channels]` to logits `[batch, classes]`.
 *
 * Kernels start normal with variance 2 / fan-in (He et al., arXiv 1502.01852), biases and shifts at 0, scales at 1.
 * Layers are called `stem`, `stage1_block1_conv1`, …, `logits`; each normalisation as its convolution, with `_norm`.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function resnet(settings: ResnetSettings): tf.LayersModel {
  assertSettings(settings);
  const { inputShape, classes, stem, stages, shortcuts, seed } = settings;
  const { convolution, logits } = layersFrom(
    seed,
    2 + stages.reduce((sum, { blocks }) => sum + 3 * blocks, 0),
  );
  const input = tf.input({ shape: [...inputShape] });
  const { kernelSize, strides } = stemShape[stem];
  let x = relu(convolution(input, 'stem', stages[0]?.filters ?? 0, kernelSize, strides));
  if (stem === 'large') x = apply(tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }), x);
  stages.forEach(({ filters, blocks }, stage) => {
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 1}_block${block + 1}`;
      const strides = stage > 0 && block === 0 ? 2 : 1;
      const inner = relu(convolution(x, `${name}_conv1`, filters, 3, strides));
      const residual = convolution(inner, `${name}_conv2`, filters, 3, 1);
      x = relu(
        apply(tf.layers.add({ name: `${name}_sum` }), [residual, shortcut(x, name, filters, strides)]),
      );
    }
  });
  const pooled = apply(tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }), x);
  return tf.model({ inputs: input, outputs: logits(pooled, classes) });

  function shortcut(x: tf.SymbolicTensor, name: string, filters: number, strides: number): tf.SymbolicTensor {
    if (strides === 1 && channels(x) === filters) return x;
    if (shortcuts === 'projected') return convolution(x, `${name}_shortcut`, filters, 1, strides);
    return padChannels(
      apply(tf.layers.averagePooling2d({ poolSize: 1, strides, padding: 'valid' }), x),
      filters - channels(x),
    );
  }
}

const anImageShape: Expected = {
  ...listOf(wholeNumber(), 'height, width and channels, such as [32, 32, 3]'),
  holds: (value) => Array.isArray(value) && value.length === 3,
};

const someStages: Expected = {
  ...listOf(
    anObject('a stage, { filters, blocks }'),
    'a list of stages, [{ filters, blocks }], at least one',
  ),
  holds: (value) => Array.isArray(value) && value.length > 0,
};

function assertSettings(settings: ResnetSettings): void {
  assertOptions('resnet()', settings, {
    inputShape: required(anImageShape),
    classes: required(wholeNumber()),
    stem: required(oneOf('small', 'large')),
    stages: required(someStages),
    shortcuts: required(oneOf('padded', 'projected')),
    seed: required(aSeed),
  });
  const { stages, shortcuts } = settings;
  stages.forEach((stage, i) => {
    assertOptions(`resnet(): stages[${i}]`, stage, {
      filters: required(wholeNumber()),
      blocks: required(wholeNumber()),
    });
    const before = stages[i - 1]?.filters ?? 0;
    if (shortcuts === 'projected' || stage.filters >= before) return;
    throw new RangeError(
      `resnet(): stages[${i}] has ${stage.filters} filters, fewer than the ${before} before, which padded shortcuts ` +
        "cannot take away: shortcuts: 'projected'",
    );
  });
}

/** Kernel size and stride of the first convolution. */
const stemShape = {
  small: { kernelSize: 3, strides: 1 },
  large: { kernelSize: 7, strides: 2 },
};

const channels = (x: tf.SymbolicTensor) => x.shape.at(-1) as number;

const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
  layer.apply(x) as tf.SymbolicTensor;

const relu = (x: tf.SymbolicTensor) => apply(tf.layers.activation({ activation: 'relu' }), x);

/** Zeros for channels more, half before and half behind. Of stock layers, so that any tfjs program can load it. */
function padChannels(x: tf.SymbolicTensor, more: number): tf.SymbolicTensor {
  const half = Math.floor(more / 2);
  const channelsFirst = apply(tf.layers.permute({ dims: [3, 1, 2] }), x);
  const padded = apply(
    tf.layers.zeroPadding2d({
      padding: [
        [half, more - half],
        [0, 0],
      ],
      dataFormat: 'channelsLast',
    }),
    channelsFirst,
  );
  return apply(tf.layers.permute({ dims: [2, 3, 1] }), padded);
}

/** Makers of the layers that have weights, each with a seed of its own. */
function layersFrom(seed: number, atMost: number) {
  let made = 0;
  const heNormal = (fanIn: number) =>
    tf.initializers.randomNormal({ stddev: Math.sqrt(2 / fanIn), seed: seed * atMost + ++made });
  return {
    /** A convolution and its normalisation. */
    convolution(x: tf.SymbolicTensor, name: string, filters: number, kernelSize: number, strides: number) {
      const convolved = tf.layers.conv2d({
        name,
        filters,
        kernelSize,
        strides,
        padding: 'same',
        useBias: false,
        kernelInitializer: heNormal(kernelSize * kernelSize * channels(x)),
      });
      const normalised = tf.layers.batchNormalization({ name: `${name}_norm`, momentum: 0.9, epsilon: 1e-5 });
      return apply(normalised, apply(convolved, x));
    },
    logits(x: tf.SymbolicTensor, classes: number) {
      const kernelInitializer = heNormal(channels(x));
      return apply(tf.layers.dense({ name: 'logits', units: classes, kernelInitializer }), x);
    },
  };
}
