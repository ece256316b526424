/** Images of classes as examples: read and decoded when they are asked for, by a few at a time. */
import type { Examples } from '../examples.js';
import { decodeRgb } from '../images/decode.js';
import { normalisation, type ChannelStatistics } from '../images/normalisation.js';
import { random } from '../random.js';
import { evaluationView, trainingView } from './view.js';

/** Where images come from. */
export interface ImageSource {
  /** Class indices, one for each image. */
  readonly labels: Int32Array;
  /** What messages call it: file, or shard and file. */
  nameOf(index: number): string;
  /**
   * The image's file.
   *
   * @throws DataError when it cannot be read
   */
  read(index: number): Promise<Uint8Array>;
}

export interface ViewSettings {
  /** Height and width of what the model sees, in pixels. */
  readonly size: number;
  /** How many images are read and decoded at a time; of no account to what comes out. */
  readonly concurrency: number;
}

/** Of ImageNet's training images, red, green and blue: what networks for it are trained with. */
const imageNetStatistics: ChannelStatistics = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/**
 * Examples `[size, size, 3]`, float32, each colour standardised by ImageNet's mean and deviation; targets are class
 * indices. With a draw an image is cropped and mirrored at random, by its bytes, the draw's seed and epoch, and its
 * index alone; without one it is resized and cut to its middle.
 */
export function imageExamples(source: ImageSource, { size, concurrency }: ViewSettings): Examples {
  const numbers = size * size * 3;
  const { write } = normalisation(imageNetStatistics);
  return {
    count: source.labels.length,
    inputs: [{ shape: [size, size, 3], type: 'float32' }],
    target: { shape: [], type: 'int32' },
    async gather(indices, draw) {
      const images = new Float32Array(indices.length * numbers);
      await severalAtATime(indices.length, concurrency, async (i) => {
        const index = indices[i] as number;
        const image = await decodeRgb(await source.read(index), source.nameOf(index));
        const into = images.subarray(i * numbers, (i + 1) * numbers);
        if (!draw) return write(await evaluationView(image, size), into);
        const draws = random(draw.seed, `augmentation/${draw.epoch}/${index}`);
        const view = await trainingView(image, size, draws);
        write(draws.uniform() < 0.5 ? mirrored(view, size) : view, into);
      });
      return {
        inputs: [images],
        targets: Int32Array.from(indices, (index) => source.labels[index] as number),
      };
    },
  };
}

/** Left and right exchanged, `[size, size, 3]`. */
function mirrored(pixels: Uint8Array, size: number): Uint8Array {
  const image = new Uint8Array(pixels.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = 3 * (y * size + size - 1 - x);
      image.set(pixels.subarray(from, from + 3), 3 * (y * size + x));
    }
  }
  return image;
}

/**
 * Does something for each number from 0 up to `count`, so many at a time. Where one fails no other is begun, and those
 * that were are waited for: nobody reads any more when this ends.
 */
export async function severalAtATime(
  count: number,
  concurrency: number,
  each: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    try {
      while (next < count) await each(next++);
    } catch (error) {
      next = count;
      throw error;
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, count) }, worker);
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}
