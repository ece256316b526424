/** Images that tests make, in folders of classes. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import sharp from 'sharp';
import { afterEach, beforeEach } from 'vitest';

import { random } from '../random.js';

/** A folder for each test, and a cache of its own. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' };
  const cache = process.env['XDG_CACHE_HOME'];
  beforeEach(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'espalier-images-'));
    process.env['XDG_CACHE_HOME'] = join(folder.path, 'cache');
  });
  afterEach(async () => {
    if (cache === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = cache;
    await rm(folder.path, { recursive: true, force: true });
  });
  return folder;
}

/** A JPEG or PNG file of coarse noise. */
export async function imageFile(
  seed: number,
  width: number,
  height: number,
  format: 'jpeg' | 'png' = 'jpeg',
) {
  const { integer } = random(seed, 'image');
  const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, () => integer(256));
  return sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .toFormat(format)
    .toBuffer();
}

export async function put(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

const classNames = ['n02', 'n01', 'n03 with a space'];

/** `train/` with five images of each of three classes, `val/` with two, of several sizes and both formats. */
export async function imageFolder(root: string): Promise<void> {
  let seed = 0;
  for (const [part, count] of [
    ['train', 5],
    ['val', 2],
  ] as const) {
    for (const name of classNames) {
      for (let i = 0; i < count; i++) {
        seed += 1;
        const format = i === 1 ? 'png' : 'jpeg';
        const ending = i === 1 ? 'png' : i === 2 ? 'JPEG' : 'jpg';
        const bytes = await imageFile(seed, 20 + 7 * i, 50 - 9 * i, format);
        await put(join(root, part, name, `image_${9 - i}.${ending}`), bytes);
      }
    }
  }
}
