/** What images of classes are known by: the same for the same images, whether they lie in folders or in shards. */
import { createHash } from 'node:crypto';

import { decoderVersion } from '../images/decode.js';

export type Part = 'train' | 'validation' | 'test';

/** An image by its content. */
export interface HashedImage {
  /** `<class>/<file>`. */
  readonly name: string;
  readonly label: number;
  /** SHA-256 of the file. */
  readonly sha256: string;
}

/** @param parts their images in order */
export function imagesDigest(parts: Readonly<Partial<Record<Part, readonly HashedImage[]>>>): string {
  const hash = createHash('sha256');
  for (const [part, images] of Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${part}\n`);
    for (const { name, label, sha256 } of images) hash.update(`${name}\t${label}\t${sha256}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** To be changed with how images are cropped, resized, mirrored and standardised. */
const VIEW = 'inception crops, bilinear, standardised: 1';

/** What examples are known by: the images, how they are shown, and what decodes them. */
export async function viewedDigest(images: string, size: number): Promise<string> {
  const seen = [images, VIEW, size, await decoderVersion()].join('\n');
  return createHash('sha256').update(seen).digest('hex').slice(0, 16);
}
