import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';

import { DataError } from '../data-error.js';
import { decodeRgb, decoderVersion } from './decode.js';

/** Two rows of three pixels, each with a colour of its own. */
const colours = Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 40, 50, 60, 250, 251, 252]);
const raw = { width: 3, height: 2, channels: 3 } as const;
const png = () => sharp(colours, { raw }).png().toBuffer();
const noise = () =>
  sharp({ create: { ...raw, width: 64, height: 64, background: 'red', noise: { type: 'gaussian', mean: 100, sigma: 30 } } }); // prettier-ignore

describe('decodeRgb', () => {
  it('gives the pixels row by row, each red, green and blue', async () => {
    const { pixels, width, height } = await decodeRgb(await png(), 'a.png');
    expect([width, height]).toEqual([3, 2]);
    expect([...pixels]).toEqual([...colours]);
  });

  it('gives grey images three equal channels, and drops transparency', async () => {
    const grey = await sharp(Uint8Array.from([7, 200]), { raw: { width: 2, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    expect([...(await decodeRgb(grey, 'grey.png')).pixels]).toEqual([7, 7, 7, 200, 200, 200]);
    const half = await sharp(Uint8Array.from([9, 8, 7, 128]), { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeRgb(half, 'half.png')).pixels]).toEqual([9, 8, 7]);
  });

  it('leaves the orientation that a camera noted as it is', async () => {
    const turned = await sharp(colours, { raw }).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await decodeRgb(turned, 'turned.jpg')).toMatchObject({ width: 3, height: 2 });
  });

  it('decodes a JPEG near to what was encoded', async () => {
    const jpeg = await sharp({ create: { ...raw, width: 32, height: 32, background: '#40c080' } })
      .jpeg()
      .toBuffer();
    const { pixels } = await decodeRgb(jpeg, 'a.jpg');
    for (let i = 0; i < pixels.length; i++) {
      expect(Math.abs((pixels[i] as number) - ([0x40, 0xc0, 0x80][i % 3] as number))).toBeLessThan(4);
    }
  });

  it('refuses what is no whole image, by its name', async () => {
    const jpeg = await noise().jpeg().toBuffer();
    const refusals: [Uint8Array, RegExp][] = [
      [new Uint8Array(), /^x is empty: fetch it again$/],
      [Uint8Array.of(1, 2, 3), /^x cannot be decoded \(.+unsupported image format\): fetch it again$/],
      [jpeg.subarray(0, jpeg.length - 300), /^x cannot be decoded \(.*premature end.*\): fetch it again$/],
      [jpeg.subarray(0, 30), /^x cannot be decoded \(.*\): fetch it again$/],
      [(await png()).subarray(0, -30), /^x cannot be decoded \(.*\): fetch it again$/],
    ];
    for (const [bytes, message] of refusals) {
      const refusal = decodeRgb(bytes, 'x');
      await expect(refusal).rejects.toThrow(DataError);
      await expect(refusal).rejects.toThrow(message);
    }
    await expect(decodeRgb('x' as never, 'x')).rejects.toThrow("decodeRgb(): bytes = 'x' (a string)");
  });

  it('says what is missing where there is no sharp', async () => {
    vi.doMock('sharp', () => {
      throw new Error("Cannot find package 'sharp'\nimported from somewhere");
    });
    vi.resetModules();
    const without = await import('./decode.js');
    await expect(without.decodeRgb(await png(), 'a.png')).rejects.toThrow(
      /^Images are decoded by sharp, which cannot be loaded \([^\n]+\): run `npm install sharp`$/,
    );
    vi.doUnmock('sharp');
  });

  it('says by what it decodes', async () => {
    expect(await decoderVersion()).toMatch(/^sharp \d+\.\d+\.\d+, libvips \d+\.\d+\.\d+$/);
  });
});
