/** Images that were chosen by hand, as bytes: each its middle square, in few pixels. */
import type { Data } from './choice.js';

const MOST_IMAGES = 10_000;
const MOST_BYTES = 30e6;

interface Labelled {
  readonly file: File;
  /** For errors. */
  readonly called: string;
  readonly label: string;
}

/**
 * The class of each is the folder that it lies in, or its name up to its number: `cat` of `cat-1.png`. What is no image
 * by its name is passed over.
 *
 * @param onProgress is told how many are done
 * @param signal ends it before the next image
 * @throws its reason; Error, in a line, for images that cannot be read, are too many or too large, or tell no class
 */
export async function imagesOf(
  files: readonly File[],
  side: number,
  onProgress: (done: number, of: number) => void,
  signal: AbortSignal,
): Promise<Extract<Data, { kind: 'images' }>> {
  const images = files.filter(isImage).map(labelled);
  if (images.length === 0) {
    const what = files.length === 0 ? 'No files are chosen' : `None of the ${files.length} files is an image`;
    throw new Error(`${what}: choose a folder with a folder of images for each class, or images`);
  }
  if (images.length > MOST_IMAGES)
    throw new Error(`${images.length} images are too many for a page: choose ${MOST_IMAGES} at most`);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const size = side * side * 3;
  const pixels = new Uint8Array(images.length * size);
  for (const [i, image] of images.entries()) {
    const bitmap = await decoded(image);
    if (signal.aborted) bitmap.close();
    signal.throwIfAborted();
    const cut = Math.min(bitmap.width, bitmap.height);
    // What is transparent is white.
    context.fillStyle = 'white';
    context.fillRect(0, 0, side, side);
    context.imageSmoothingQuality = 'high';
    const [left, top] = [(bitmap.width - cut) / 2, (bitmap.height - cut) / 2];
    context.drawImage(bitmap, left, top, cut, cut, 0, 0, side, side);
    bitmap.close();
    const { data } = context.getImageData(0, 0, side, side);
    for (let pixel = 0; pixel < side * side; pixel++) {
      pixels.set(data.subarray(4 * pixel, 4 * pixel + 3), i * size + 3 * pixel);
    }
    if (i % 50 === 49) onProgress(i + 1, images.length);
  }
  return { kind: 'images', pixels, side, labels: images.map(({ label }) => label) };
}

function isImage({ type, name }: File): boolean {
  return type.startsWith('image/') && !name.startsWith('.');
}

/** @throws Error where nothing tells the class */
function labelled(file: File): Labelled {
  // `folder/class/image.png` of a folder; empty where files were chosen one by one.
  const path = file.webkitRelativePath.split('/');
  if (path.length > 2) return { file, called: path.slice(-2).join('/'), label: path.at(-2)! };
  const [, label] = /^(.*?\p{L}.*?)[ _.()-]*\d*\)?\.[^.]*$/u.exec(file.name) ?? [];
  if (!label) {
    throw new Error(
      `The name of ${file.name} tells no class: put it into a folder that is named after its class, or call it cat-1.png`,
    );
  }
  return { file, called: file.name, label };
}

async function decoded({ file, called }: Labelled): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES)
    throw new Error(
      `${called} has ${Math.round(file.size / 1e6)} MB: make it smaller than 30, or leave it out`,
    );
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${called} is no image that this browser reads: mend it or leave it out`);
  }
}
