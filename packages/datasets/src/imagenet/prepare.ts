/** ImageNet's folders into shards: fewer and smaller files, read faster than they are looked at. */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';

import { assertArgument, assertFields, assertFolder, isWhole } from '../arguments.js';
import { imagesDigest } from '../class-images/digest.js';
import { severalAtATime } from '../class-images/examples.js';
import { DataError } from '../data-error.js';
import { listParts, type FolderPart } from '../image-folder/image-folder.js';
import { byName, isThere, type ListedImage } from '../image-folder/list.js';
import { contentHash, MANIFEST, type ManifestEntry } from '../manifest.js';
import type { PreparationProgress } from '../preparation.js';
import { keyOf, shardIndex, type ShardImage } from '../webdataset/shard-index.js';
import { PREPARING } from '../webdataset/shards.js';
import { writeWhole } from '../write-whole.js';
import { namesDigest, standingManifest, unwritable, type Making, type PartName } from './making.js';
import { ShardWriter } from './shard-writer.js';
import { QUALITY, shrunk } from './shrink.js';

export interface ImageNetPreparation {
  /** The folder that holds `train/<class>/` and `val/<class>/`. */
  readonly from: string;
  /** The folder that the shards go to; made where it is not there. */
  readonly to: string;
  /** What the shorter side of larger images becomes, in pixels; null keeps every file as it is. 256 when absent. */
  readonly size?: number | null;
  /** A shard ends with the image by which it has so many bytes; 1 GB when absent. */
  readonly shardBytes?: number;
  readonly onProgress?: (progress: PreparationProgress) => void;
  /** Ends it, with the signal's reason; what is whole stays, and is not made again. */
  readonly signal?: AbortSignal;
}

/**
 * Writes `train-000000.tar`, …, `val-000000.tar`, …, and `manifest.json` with the classes' names, the numbers of images,
 * the digest, and what the shards hold. Images are `<class>/<file>` beside `<class>/<file>.cls`, in the order of their
 * names. Larger ones are resized (bilinear) and written as JPEG of quality 90, colours at half the resolution.
 *
 * A shard has its name when it is whole. Interrupted, it goes on after the last whole one when it is called again; until
 * it is done, `preparing.json` stands beside the shards, and they are not read.
 *
 * @returns how many images and shards there are
 * @throws DataError for images that are missing, cannot be decoded, or have names that shards cannot have; for shards
 *   of another making in the folder; when it cannot be written
 * @throws RangeError or TypeError for an option that is not what it is to be
 */
export async function prepareImageNet(
  preparation: ImageNetPreparation,
): Promise<{ images: number; shards: number }> {
  const { from, to, size, shardBytes, onProgress, signal } = settingsOf(preparation);
  if (!(await isThere(join(from, 'train')))) {
    throw new DataError(`${join(from, 'train')} is missing: name the folder that holds train/<class>/ and val/<class>/`); // prettier-ignore
  }
  const { classes, parts } = await listParts(from, { train: 'train', test: 'val' }, NO_LIMITS);
  const sources = [parts.train, parts.test];
  const total = sources.reduce((sum, { images }) => sum + images.length, 0);
  for (const { folder, images } of sources) assertNames(folder, images);
  const making: Making = {
    version: 1,
    ...{ size, quality: size === null ? null : QUALITY, shardBytes },
    source: namesDigest(sources.map(({ images }) => images)),
  };
  await mkdir(to, { recursive: true }).catch(unwritable(to));
  const standing = await standingManifest(to, making);
  if (standing) return standing;
  await writeWhole(join(to, PREPARING), making).catch(unwritable(join(to, PREPARING)));
  await removePartials(to);

  const told = (done: number) => onProgress?.({ what: 'writing shards', done, total });
  const settings = { size, shardBytes, signal };
  const train = await writePart(to, 'train', parts.train, { ...settings, tell: told });
  const tell = (done: number) => told(train.images.length + done);
  const val = await writePart(to, 'val', parts.test, { ...settings, tell });
  const files = [...train.files, ...val.files];
  await writeWhole(join(to, MANIFEST), {
    ...{ version: 1, files, classes },
    images: { train: train.images.length, val: val.images.length },
    digest: imagesDigest({ train: train.images.sort(byName), test: val.images.sort(byName) }),
    making,
  }).catch(unwritable(join(to, MANIFEST)));
  await rm(join(to, PREPARING), { force: true });
  return { images: total, shards: files.length };
}

const NO_LIMITS = { classes: Infinity, imagesPerClass: Infinity };

function settingsOf(preparation: ImageNetPreparation) {
  const of = 'prepareImageNet()';
  const { from, to, size = 256, shardBytes = 1e9, onProgress, signal } = preparation ?? {};
  assertFields(preparation, ['from', 'to', 'size', 'shardBytes', 'onProgress', 'signal'], `${of}: options`);
  assertFolder(from, `${of}: from`);
  assertFolder(to, `${of}: to`);
  assertArgument(size === null || isWhole(size, 1), `${of}: size`, size, 'a whole number of at least 1, or null'); // prettier-ignore
  assertArgument(isWhole(shardBytes, 1), `${of}: shardBytes`, shardBytes, 'a whole number of at least 1');
  const canBeTold = onProgress === undefined || typeof onProgress === 'function';
  assertArgument(canBeTold, `${of}: onProgress`, onProgress, 'a function of progress');
  const canAbort = signal === undefined || typeof signal?.throwIfAborted === 'function';
  assertArgument(canAbort, `${of}: signal`, signal, 'an AbortSignal');
  return { from, to, size, shardBytes, onProgress, signal };
}

interface ShardSettings extends Pick<Required<ImageNetPreparation>, 'size' | 'shardBytes'> {
  readonly tell: (images: number) => void;
  readonly signal: AbortSignal | undefined;
}

interface Shard {
  readonly entry: Omit<ManifestEntry, 'name'>;
  readonly images: readonly ShardImage[];
}

async function readShard(path: string): Promise<Shard> {
  const { size: bytes, mtimeMs: modifiedMs } = await stat(path);
  const sha256 = await contentHash(path);
  return { entry: { bytes, modifiedMs, sha256 }, images: await shardIndex(path, sha256) };
}

/** One that was written before; null where there is none, or it is damaged. */
async function standingShard(path: string): Promise<Shard | null> {
  if (!(await isThere(path))) return null;
  try {
    return await readShard(path);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return null;
  }
}

/** Goes on after the shards that are there, whole. */
async function writePart(
  to: string,
  part: PartName,
  { folder, images }: FolderPart,
  { tell, ...settings }: ShardSettings,
): Promise<{ files: ManifestEntry[]; images: ShardImage[] }> {
  const files: ManifestEntry[] = [];
  const written: ShardImage[] = [];
  while (written.length < images.length) {
    settings.signal?.throwIfAborted();
    const name = `${part}-${String(files.length).padStart(6, '0')}.tar`;
    const path = join(to, name);
    const rest = images.slice(written.length);
    let shard = await standingShard(path);
    if (!shard) {
      await writeShard(path, folder, rest, { ...settings, tell: (more) => tell(written.length + more) });
      shard = await readShard(path);
    }
    assertHeld(path, shard.images, rest);
    files.push({ name, ...shard.entry });
    for (const image of shard.images) written.push(image);
    tell(written.length);
  }
  return { files, images: written };
}

/** Images are read and resized so many at a time, and written in their order. */
const AT_A_TIME = 4 * availableParallelism();

async function writeShard(
  path: string,
  folder: string,
  images: readonly ListedImage[],
  { size, shardBytes, tell, signal }: ShardSettings,
): Promise<void> {
  const writer = await ShardWriter.create(path);
  try {
    for (let done = 0; done < images.length && writer.bytes < shardBytes;) {
      signal?.throwIfAborted();
      const next = images.slice(done, done + AT_A_TIME);
      const made: { name: string; bytes: Uint8Array }[] = [];
      await severalAtATime(next.length, availableParallelism(), async (i) => {
        made[i] = await entryOf(folder, next[i]!.name, size);
      });
      for (const [i, { name, bytes }] of made.entries()) {
        if (writer.bytes >= shardBytes) break;
        await writer.add(name, bytes);
        await writer.add(`${keyOf(name).key}.cls`, new TextEncoder().encode(String(next[i]!.label)));
        done += 1;
      }
      tell(done);
    }
    await writer.publish();
  } finally {
    await writer.discard();
  }
}

async function entryOf(folder: string, name: string, size: number | null) {
  const path = join(folder, name);
  const bytes = await readFile(path).catch((error: Error) => {
    throw new DataError(`${path} cannot be read (${error.message}): fetch it again`);
  });
  if (size === null) return { name, bytes };
  const { bytes: small, isJpeg } = await shrunk(bytes, size, path);
  return { name: isJpeg && !/[.]jpe?g$/i.test(name) ? `${keyOf(name).key}.jpg` : name, bytes: small };
}

/** WebDataset takes the first point of a name for the end of its key. */
function assertNames(folder: string, images: readonly ListedImage[]): void {
  const keys = new Set<string>();
  for (const { name } of images) {
    const { key, extension } = keyOf(name);
    const why = extension.includes('.')
      ? 'has a point within its name'
      : keys.has(key as string)
        ? 'has the name of another image, up to its ending'
        : null;
    if (why) throw new DataError(`${join(folder, name)} ${why}, which shards cannot have: rename it`);
    keys.add(key as string);
  }
}

/** What a command that was killed could not take away. */
async function removePartials(to: string): Promise<void> {
  const left = (await readdir(to)).filter((name) => /^(train|val)-\d+[.]tar[.].+[.]partial$/.test(name));
  await Promise.all(left.map((name) => rm(join(to, name), { force: true })));
}

/** A shard that was there before is believed where it holds the images that come next. */
function assertHeld(path: string, held: readonly ShardImage[], wanted: readonly ListedImage[]): void {
  const same =
    held.length > 0 &&
    held.length <= wanted.length &&
    held.every(
      ({ name, label }, i) => keyOf(name).key === keyOf(wanted[i]!.name).key && label === wanted[i]!.label,
    );
  if (same) return;
  throw new DataError(`${path} holds other images than ${wanted[0]!.name} and what follows: remove ${basename(path)} and what is made after it`); // prettier-ignore
}
