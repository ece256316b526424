/**
 * JPEG, PNG and the like as pixels, by `sharp`: a native library, loaded when the first image is decoded, so that who
 * has no images needs not have it. For Node.
 */
import type Sharp from 'sharp';

import { assertArgument } from '../arguments.js';
import { DataError } from '../data-error.js';

export interface DecodedImage {
  /** `[height, width, 3]` as one flat array: red, green, blue from 0 to 255. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * An image as it is stored, as torchvision's loaders have it (`Image.open(file).convert('RGB')`): colour profiles and
 * the orientation that a camera noted are ignored, grey becomes three equal channels, transparency is dropped.
 *
 * @param bytes of the whole file
 * @param name for messages
 * @throws DataError when it is no whole image, or where `sharp` is not installed
 */
export async function decodeRgb(bytes: Uint8Array, name: string): Promise<DecodedImage> {
  assertArgument(bytes instanceof Uint8Array, 'decodeRgb(): bytes', bytes, 'a Uint8Array');
  assertArgument(typeof name === 'string', 'decodeRgb(): name', name, "the file's name, for messages");
  const sharp = await loadSharp();
  if (bytes.length === 0) throw new DataError(`${name} is empty: fetch it again`);
  try {
    // A whole image that a decoder frowns at is an image; one that ends too soon is none.
    const { data, info } = await sharp(bytes, { failOn: 'error', ignoreIcc: true })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    return { pixels: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height };
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    throw new DataError(`${name} cannot be decoded (${why}): fetch it again`);
  }
}

/** The versions that decide what pixels come out: decoders differ in the last bit. */
export async function decoderVersion(): Promise<string> {
  const { versions } = await loadSharp();
  const { sharp, vips } = versions;
  return `sharp ${sharp}, libvips ${vips}`;
}

/** @throws DataError where it is not installed */
export async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    throw new DataError(
      `Images are decoded by sharp, which cannot be loaded (${why}): run \`npm install sharp\``,
    );
  }
}
