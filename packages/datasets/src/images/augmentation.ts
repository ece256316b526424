/**
 * Images changed at random as they are trained on, as the recipes of residual networks change them: crops of padded
 * images, and mirror images (He et al., arXiv 1512.03385, section 4.2; torchvision's `RandomCrop` and
 * `RandomHorizontalFlip`).
 */
import { assertArgument, assertFields, isWhole } from '../arguments.js';
import { sizeOf, type Batch, type Draw, type Examples } from '../examples.js';
import { random, type Random } from '../random.js';

/** Height, width and channels. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** For images of a shape, a change that is drawn for each of them. */
export type Augmentation = (shape: ImageShape) => ImageChange;

/**
 * Writes the changed image.
 *
 * @param source `[height, width, channels]`, flat; left as it is
 * @param target of the same shape, written whole
 * @param draws where all that is random comes from
 */
export type ImageChange = (source: Float32Array, target: Float32Array, draws: Random) => void;

/**
 * Examples whose images are changed in training, one change after another. An image's changes are drawn from the seed,
 * the epoch and its index, so that they are the same whatever batch it comes in. Without a draw nothing is changed.
 *
 * @param shape of the images, the examples' first input
 * @throws RangeError or TypeError for examples without such images, and for a change that these images cannot take
 */
export function augmented(
  examples: Examples,
  shape: ImageShape,
  augmentations: readonly Augmentation[],
): Examples {
  const of = 'augmented()';
  const isShape = Array.isArray(shape) && shape.length === 3 && shape.every((length) => isWhole(length, 1));
  assertArgument(isShape, `${of}: shape`, shape, 'height, width and channels, such as [32, 32, 3]');
  const areFunctions =
    Array.isArray(augmentations) && augmentations.every((each) => typeof each === 'function');
  assertArgument(
    areFunctions,
    `${of}: augmentations`,
    augmentations,
    'a list of them, such as [randomFlip()]',
  );
  const size = sizeOf({ shape });
  const [images] = examples.inputs;
  const fits = images?.type === 'float32' && sizeOf(images) === size;
  assertArgument(fits, `${of}: examples`, examples, `some whose first input is an image of ${size} floats`);

  const changes = augmentations.map((augmentation) => augmentation(shape));
  if (changes.length === 0) return examples;
  return {
    ...examples,
    gather(indices, draw) {
      const batch = examples.gather(indices, draw);
      if (!draw) return batch;
      const change = (gathered: Batch) => changed(gathered, indices, draw, size, changes);
      return batch instanceof Promise ? batch.then(change) : change(batch);
    },
  };
}

function changed(
  batch: Batch,
  indices: ArrayLike<number>,
  { seed, epoch }: Draw,
  size: number,
  changes: readonly ImageChange[],
): Batch {
  const [images, ...others] = batch.inputs as [Float32Array, ...Batch['inputs']];
  const result = new Float32Array(images.length);
  // A change reads what the one before wrote.
  const between = [new Float32Array(size), new Float32Array(size)];
  for (let i = 0; i < indices.length; i++) {
    const draws = random(seed, `augmentation/${epoch}/${indices[i]}`);
    let source = images.subarray(i * size, (i + 1) * size);
    for (const [j, change] of changes.entries()) {
      const isLast = j === changes.length - 1;
      const target = isLast ? result.subarray(i * size, (i + 1) * size) : (between[j % 2] as Float32Array);
      change(source, target, draws);
      source = target;
    }
  }
  return { ...batch, inputs: [result, ...others] };
}

export interface RandomCrop {
  /** Pixels added on each side, before as large an image as it was is cut out anywhere; at least 1. */
  readonly padding: number;
  /**
   * What is added, by channel; 0 when absent. The recipes pad the pixels with 0, before they are normalised:
   * `normalisation(…).black`.
   */
  readonly fill?: readonly number[];
}

/** An image of the same size, moved by at most `padding` pixels each way: all moves are as likely. */
export function randomCrop(options: RandomCrop): Augmentation {
  const of = 'randomCrop()';
  assertFields(options, ['padding', 'fill'], `${of}: options`);
  const { padding, fill } = options;
  assertArgument(isWhole(padding, 1), `${of}: padding`, padding, 'a whole number of at least 1');
  const isFill = fill === undefined || (Array.isArray(fill) && fill.every(Number.isFinite));
  assertArgument(isFill, `${of}: fill`, fill, 'a finite number for each channel');
  return ([height, width, channels]) => {
    const fits = fill === undefined || fill.length === channels;
    assertArgument(fits, `${of}: fill`, fill, `a number for each of the ${channels} channels`);
    const length = width * channels;
    const blank = Float32Array.from({ length }, (_, i) => fill?.[i % channels] ?? 0);
    return (source, target, draws) => {
      const down = draws.integer(2 * padding + 1) - padding;
      const right = draws.integer(2 * padding + 1) - padding;
      const first = Math.min(length, Math.max(0, right * channels));
      const end = Math.max(first, Math.min(length, length + right * channels));
      for (let y = 0; y < height; y++) {
        target.set(blank, y * length);
        const from = y + down;
        if (from < 0 || from >= height || first === end) continue;
        target.set(
          source.subarray(from * length + first, from * length + end),
          y * length + first - right * channels,
        );
      }
    };
  };
}

/** The mirror image, left and right exchanged, of so many of all images: half of them when absent. */
export function randomFlip(options: { readonly probability?: number } = {}): Augmentation {
  assertFields(options, ['probability'], 'randomFlip(): options');
  const { probability = 0.5 } = options;
  const isProbability = typeof probability === 'number' && probability >= 0 && probability <= 1;
  assertArgument(isProbability, 'randomFlip(): probability', probability, 'in [0, 1]');
  return ([height, width, channels]) =>
    (source, target, draws) => {
      if (draws.uniform() >= probability) {
        target.set(source);
        return;
      }
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const from = (y * width + x) * channels;
          const to = (y * width + width - 1 - x) * channels;
          for (let channel = 0; channel < channels; channel++) {
            target[to + channel] = source[from + channel] as number;
          }
        }
      }
    };
}
