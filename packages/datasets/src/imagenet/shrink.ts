/** Images made no larger than they are looked at. */
import { decodeRgb, loadSharp } from '../images/decode.js';

/** Of the JPEG files that are written; colours have half the resolution (4:2:0). */
export const QUALITY = 90;

export interface ShrunkImage {
  readonly bytes: Uint8Array;
  /** Whether the file was written anew, as JPEG. */
  readonly isJpeg: boolean;
}

/**
 * An image whose shorter side is `size` pixels, as a JPEG file; one that is no larger stays as it is.
 *
 * @param name for messages
 * @throws DataError when it cannot be decoded
 */
export async function shrunk(bytes: Uint8Array, size: number, name: string): Promise<ShrunkImage> {
  const { pixels, width, height } = await decodeRgb(bytes, name);
  const shorter = Math.min(width, height);
  if (shorter <= size) return { bytes, isJpeg: false };
  const sharp = await loadSharp();
  const resized = sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(Math.round((width * size) / shorter), Math.round((height * size) / shorter), {
      fit: 'fill',
      kernel: 'linear',
    }) // prettier-ignore
    .jpeg({ quality: QUALITY });
  return { bytes: await resized.toBuffer(), isJpeg: true };
}
