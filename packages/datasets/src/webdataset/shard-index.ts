/**
 * What a shard holds: each image's place and class. It is read out of the shard once, and remembered in the user's
 * cache by the shard's content.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { DataError } from '../data-error.js';
import { isImage } from '../image-folder/list.js';
import { prepared } from '../prepared/prepared.js';
import { tarMembers, type TarMember } from './tar.js';

export interface ShardImage {
  /** The file's name in the archive: of an image of a class's folder, `<class>/<file>`. */
  readonly name: string;
  readonly label: number;
  readonly offset: number;
  readonly length: number;
  readonly sha256: string;
}

/** To be changed with what an index is. */
const VERSION = 1;
const INDEX = 'index.json';

/**
 * @param shard its path
 * @param sha256 of its content
 * @throws DataError for a shard that is cut, or an image without a class
 */
export async function shardIndex(shard: string, sha256: string): Promise<ShardImage[]> {
  const key = { version: VERSION, sha256 };
  const folder = await prepared('webdataset-index', key, async (into) => {
    const images = imagesOf(shard, await tarMembers(shard));
    await writeFile(join(into, INDEX), JSON.stringify(images));
  });
  const path = join(folder, INDEX);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ShardImage[];
  } catch (error) {
    throw new DataError(`${path} cannot be read (${(error as Error).message}): remove ${folder}, it is made again`); // prettier-ignore
  }
}

/** What WebDataset takes for one example: files whose names are the same up to the first point. */
interface Sample {
  image?: TarMember;
  label?: number;
}

/**
 * @param shard for messages
 * @returns in the order of the archive
 */
function imagesOf(shard: string, members: readonly TarMember[]): ShardImage[] {
  const samples = new Map<string, Sample>();
  for (const member of members) {
    const { key, extension } = keyOf(member.name);
    if (key === null) continue;
    const sample = samples.get(key) ?? {};
    samples.set(key, sample);
    const isClass = extension === 'cls';
    if (!isClass && (extension.includes('.') || !isImage(`x.${extension}`))) continue;
    if (isClass ? sample.label !== undefined : sample.image) {
      throw new DataError(`${shard}: ${key} is there twice: give each image a key of its own`);
    }
    if (isClass) sample.label = labelOf(shard, member);
    else sample.image = member;
  }
  return [...samples].flatMap(([key, { image, label }]) => {
    if (!image && label === undefined) return [];
    if (!image) throw new DataError(`${shard}: ${key}.cls has no image (jpg, jpeg, png): fetch or prepare it again`); // prettier-ignore
    if (label === undefined) throw new DataError(`${shard}: ${image.name} has no ${key}.cls: give it its class's index`); // prettier-ignore
    const { offset, length, sha256 } = image;
    return [{ name: posix.normalize(image.name), label, offset, length, sha256 }];
  });
}

/** The key is null of a hidden file; the extension is all that follows the first point. */
export function keyOf(path: string): { key: string | null; extension: string } {
  const name = posix.normalize(path);
  const base = posix.basename(name);
  const point = base.indexOf('.');
  if (point === 0) return { key: null, extension: '' };
  if (point < 0) return { key: name, extension: '' };
  return { key: name.slice(0, name.length - base.length + point), extension: base.slice(point + 1) };
}

function labelOf(shard: string, { name, content }: TarMember): number {
  const text = content === null ? null : new TextDecoder().decode(content).trim();
  if (text !== null && /^\d{1,9}$/.test(text)) return Number(text);
  throw new DataError(`${shard}: ${name} says ${text === null ? 'a long text' : `'${text}'`}, and is to be a class's index, such as 0`); // prettier-ignore
}
