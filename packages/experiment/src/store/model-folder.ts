/**
 * A trial's model in its folder, for Node: the files in folders of their own, and `models.json`, which lists them with
 * their checksums and appears last.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { asStoreError, assertNoFolder, putInPlace, readOr, removePartials } from './files.js';
import { makeFolder } from './make-folder.js';
import { modelsSchema } from './schemas.js';
import { seal, unseal } from './sealed.js';
import type { ModelsToSave, SavedFile, SavedModels } from './store.js';
import { Doubtful } from './trouble.js';

/** What there may be beside the list. */
const PLACES = ['dense', 'block-sparse', 'masks.json'];

export interface ModelFolder {
  save(models: ModelsToSave): Promise<void>;
  /** @throws Doubtful where a file is not what was saved */
  read(): Promise<SavedModels | null>;
  file(file: SavedFile): Promise<Uint8Array>;
  /** Removes what is not whole, or not this trial's. */
  removeUnless(trialId: string): Promise<void>;
  /** Removes files that no list has, and what was being written. What cannot be removed stays. */
  tidy(): Promise<void>;
}

/** @param allowed throws where this owner may not write */
export function modelFolder(folder: string, allowed: () => Promise<void>): ModelFolder {
  const list = join(folder, 'models.json');
  const at = (path: string) => join(folder, ...path.split('/'));

  async function file({ path, bytes, sha256 }: SavedFile): Promise<Uint8Array> {
    const content = await readOr(at(path));
    if (!content) throw new Doubtful(`${at(path)} is missing`);
    if (content.length !== bytes || checksum(content) !== sha256) {
      throw new Doubtful(`${at(path)} is not what was written there`);
    }
    return content;
  }

  async function read(): Promise<SavedModels | null> {
    const text = await readOr(list);
    if (!text) return null;
    const models = unseal('models', modelsSchema, text.toString(), list);
    // One after another: a model may be large.
    for (const saved of models.files) await file(saved);
    return models;
  }

  async function remove(): Promise<void> {
    // The list first: without it, what is left is nothing.
    for (const path of [list, ...PLACES.map(at)]) {
      await rm(path, { force: true, recursive: true }).catch((error: unknown) => {
        throw asStoreError(error, path, 'removed');
      });
    }
  }

  return {
    async save({ files, ...models }) {
      await allowed();
      await assertNoFolder(list);
      await remove();
      const saved: SavedFile[] = [];
      for (const [path, bytes] of Object.entries(files)) {
        await makeFolder(dirname(at(path))).catch((error: unknown) => {
          throw asStoreError(error, dirname(at(path)), 'made');
        });
        await putInPlace(at(path), bytes, allowed);
        saved.push({ path, bytes: bytes.length, sha256: checksum(bytes) });
      }
      await putInPlace(list, seal('models', { ...models, files: saved }), allowed);
    },
    read,
    file,
    async removeUnless(trialId) {
      const lying = await read().catch((error: unknown) => {
        if (error instanceof Doubtful) return null;
        throw error;
      });
      if (lying?.trialId !== trialId) await remove();
    },
    async tidy() {
      const listed = await readOr(list).catch(() => null);
      if (!listed) await remove().catch(() => {});
      else for (const place of PLACES) await removePartials(at(place), 'all');
    },
  };
}

function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
