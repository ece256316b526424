/**
 * What is shown of an image: in training a part of it, drawn at random, and mirrored by chance; in evaluation its
 * middle. As torchvision's `RandomResizedCrop`, `RandomHorizontalFlip`, `Resize` and `CenterCrop` do it.
 */
import type { DecodedImage } from '../images/decode.js';
import { loadSharp } from '../images/decode.js';
import type { Random } from '../random.js';

/** In pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The part's share of the image's area. */
const AREA = [0.08, 1] as const;
/** The part's width by its height. */
const RATIO = [3 / 4, 4 / 3] as const;
const ATTEMPTS = 10;

/**
 * The part of an image that is shown in training (Szegedy et al. 2015, arXiv 1409.4842 §6).
 *
 * Of an image `w × h`: an area `a = w·h·u`, `u` uniform in [0.08, 1); a ratio `r = e^v`, `v` uniform in
 * [ln 3/4, ln 4/3); the part is `round(√(a·r)) × round(√(a/r))`, at a uniform place. What does not fit is drawn again,
 * ten times at most; then it is the largest part in the middle whose ratio is in [3/4, 4/3].
 */
export function randomRegion(width: number, height: number, draws: Random): Region {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = width * height * between(AREA[0], AREA[1], draws);
    const ratio = Math.exp(between(Math.log(RATIO[0]), Math.log(RATIO[1]), draws));
    const part = { width: Math.round(Math.sqrt(area * ratio)), height: Math.round(Math.sqrt(area / ratio)) };
    if (!isWithin(part.width, width) || !isWithin(part.height, height)) continue;
    const left = draws.integer(width - part.width + 1);
    const top = draws.integer(height - part.height + 1);
    return { left, top, ...part };
  }
  const widest = Math.max(1, Math.min(width, Math.round(height * RATIO[1])));
  const highest = Math.max(1, Math.min(height, Math.round(width / RATIO[0])));
  return middle(width, height, widest, highest);
}

const isWithin = (length: number, whole: number) => length > 0 && length <= whole;

const between = (from: number, to: number, draws: Random) => from + (to - from) * draws.uniform();

/** The middle of an image; of odd rests the smaller half lies before it. */
function middle(width: number, height: number, partWidth: number, partHeight: number): Region {
  const left = Math.floor((width - partWidth) / 2);
  const top = Math.floor((height - partHeight) / 2);
  return { left, top, width: partWidth, height: partHeight };
}

/** What an image's shorter side is in evaluation, by the side of what is cut out of it. */
const EVALUATION_SIDE = 256 / 224;

/** The whole image's size in evaluation, before its middle is cut out: the longer side is rounded down. */
export function evaluationSize(width: number, height: number, size: number): [width: number, height: number] {
  const shorter = Math.round(size * EVALUATION_SIDE);
  return width <= height
    ? [shorter, Math.max(shorter, Math.floor((shorter * height) / width))]
    : [Math.max(shorter, Math.floor((shorter * width) / height)), shorter];
}

/**
 * How an image looks in training, before it is mirrored: a random part of it, resized.
 *
 * @returns `[size, size, 3]`, from 0 to 255
 */
export async function trainingView(image: DecodedImage, size: number, draws: Random): Promise<Uint8Array> {
  const region = randomRegion(image.width, image.height, draws);
  const part = (await opened(image)).extract(region);
  return pixelsOf(part.resize(size, size, RESAMPLING));
}

/**
 * How an image looks in evaluation: the shorter side 256/224 of the size, and of that the middle.
 *
 * @returns `[size, size, 3]`, from 0 to 255
 */
export async function evaluationView(image: DecodedImage, size: number): Promise<Uint8Array> {
  const [width, height] = evaluationSize(image.width, image.height, size);
  const resized = (await opened(image)).resize(width, height, RESAMPLING);
  return pixelsOf(resized.extract(middle(width, height, size, size)));
}

/** Bilinear, over all the pixels that one is made of where the image shrinks, as Pillow's. */
const RESAMPLING = { fit: 'fill', kernel: 'linear' } as const;

type Pipeline = ReturnType<Awaited<ReturnType<typeof loadSharp>>>;

async function opened({ pixels, width, height }: DecodedImage): Promise<Pipeline> {
  const sharp = await loadSharp();
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

async function pixelsOf(pipeline: Pipeline): Promise<Uint8Array> {
  return pipeline.raw({ depth: 'uchar' }).toBuffer();
}
