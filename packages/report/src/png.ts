/** Plots as pictures of pixels. Text takes the fonts of the system, as sharp finds them. */
import type { Plot } from './plots/plot.js';
import { INK } from './palette.js';

/** Of the SVG's own size: sharp on a dense screen and on paper. */
const SCALE = 3;

/**
 * PNG, light.
 *
 * @throws Error where sharp is not installed, with how to mend it
 */
export async function pngFile({ svg }: Plot): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp').catch(() => {
    throw new Error('PNG needs the package sharp, which is not installed: npm install sharp');
  });
  return sharp(Buffer.from(svg), { density: 72 * SCALE })
    .flatten({ background: INK.paper.light })
    .png({ compressionLevel: 9, palette: true })
    .toBuffer();
}
