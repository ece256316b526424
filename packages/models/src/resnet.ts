/**
 * Residual networks (He et al., "Deep residual learning for image recognition", arXiv 1512.03385): ResNet-20 of its
 * section 4.2, ResNet-18 and ResNet-50 of its table 1.
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
  /**
   * Of what each block is. `basic`, when absent: two 3 × 3 convolutions. `bottleneck`: a 1 × 1, a 3 × 3, and a 1 × 1
   * convolution to four times the channels; where the image is halved, the 3 × 3 one has the stride, as torchvision and
   * NVIDIA have it (v1.5) and the paper, which gives it to the first, has not.
   */
  readonly block?: 'basic' | 'bottleneck';
  /**
   * What the scale of each block's last normalisation starts at; 1 when absent. With 0 each block is the identity at
   * first (Goyal et al., arXiv 1706.02677 §5.1).
   */
  readonly lastScale?: 0 | 1;
  /** For each stage, its channels and its blocks; each stage after the first halves the image. */
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

/**
 * ResNet-50 v1.5 for 224 × 224 colour images in 1000 classes: 25,557,032 parameters that train, 4.09 billion
 * multiply-adds.
 */
export const resnet50 = {
  ...resnet18,
  block: 'bottleneck',
  stages: [3, 4, 6, 3].map((blocks, i) => ({ filters: 64 * 2 ** i, blocks })),
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
 * Kernels start normal with variance 2 / fan-in (He et al., arXiv 1502.01852), biases and shifts at 0, scales at 1 but for
 * `lastScale`. Moving averages of the normalisations keep 0.9 of what they were, ε is 1e-5 (PyTorch's momentum of 0.1).
 * Layers are called `stem`, `stage1_block1_conv1`, …, `logits`; each normalisation as its convolution, with `_norm`.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function resnet(settings: ResnetSettings): tf.LayersModel {
  assertSettings(settings);
  const {
    inputShape,
    classes,
    stem,
    stages,
    shortcuts,
    block: kind = 'basic',
    lastScale = 1,
    seed,
  } = settings;
  const { convolution, logits } = layersFrom(
    seed,
    2 + stages.reduce((sum, { blocks }) => sum + (convolutionsOf[kind] + 1) * blocks, 0),
  );
  const last = { scale: lastScale };
  const residualOf = { basic, bottleneck };
  const input = tf.input({ shape: [...inputShape] });
  const { kernelSize, strides } = stemShape[stem];
  let x = relu(convolution(input, 'stem', stages[0]?.filters ?? 0, kernelSize, strides));
  if (stem === 'large') x = apply(tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }), x);
  stages.forEach(({ filters, blocks }, stage) => {
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 1}_block${block + 1}`;
      const strides = stage > 0 && block === 0 ? 2 : 1;
      const residual = residualOf[kind](x, name, filters, strides);
      const beside = shortcut(x, name, channels(residual), strides);
      x = relu(apply(tf.layers.add({ name: `${name}_sum` }), [residual, beside]));
    }
  });
  const pooled = apply(tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }), x);
  return tf.model({ inputs: input, outputs: logits(pooled, classes) });

  function basic(x: tf.SymbolicTensor, name: string, filters: number, strides: number): tf.SymbolicTensor {
    const inner = relu(convolution(x, `${name}_conv1`, filters, 3, strides));
    return convolution(inner, `${name}_conv2`, filters, 3, 1, last);
  }

  function bottleneck(
    x: tf.SymbolicTensor,
    name: string,
    filters: number,
    strides: number,
  ): tf.SymbolicTensor {
    const narrow = relu(convolution(x, `${name}_conv1`, filters, 1, 1));
    const inner = relu(convolution(narrow, `${name}_conv2`, filters, 3, strides));
    return convolution(inner, `${name}_conv3`, 4 * filters, 1, 1, last);
  }

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
    block: oneOf('basic', 'bottleneck'),
    lastScale: wholeNumber(0, 1),
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

const convolutionsOf = { basic: 2, bottleneck: 3 };

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
    convolution(
      x: tf.SymbolicTensor,
      name: string,
      filters: number,
      kernelSize: number,
      strides: number,
      { scale }: { readonly scale: 0 | 1 } = { scale: 1 },
    ) {
      const convolved = tf.layers.conv2d({
        name,
        filters,
        kernelSize,
        strides,
        padding: 'same',
        useBias: false,
        kernelInitializer: heNormal(kernelSize * kernelSize * channels(x)),
      });
      const normalised = tf.layers.batchNormalization({
        name: `${name}_norm`,
        ...{ momentum: 0.9, epsilon: 1e-5 },
        gammaInitializer: scale === 0 ? 'zeros' : 'ones',
      });
      return apply(normalised, apply(convolved, x));
    },
    logits(x: tf.SymbolicTensor, classes: number) {
      const kernelInitializer = heNormal(channels(x));
      return apply(tf.layers.dense({ name: 'logits', units: classes, kernelInitializer }), x);
    },
  };
}
