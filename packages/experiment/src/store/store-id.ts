/** By which a store is known, wherever it is mounted. */
import * as z from 'zod';

import { UsageError } from '../errors.js';
import type { Store } from './store.js';

const NAME = 'store.json';

const schema = z.object({ id: z.uuid() });

/** Made where there is none. */
export async function storeId(store: Store): Promise<string> {
  const known = await knownId(store);
  if (known !== null) return known;
  await store.create(NAME, `${JSON.stringify({ id: crypto.randomUUID() })}\n`);
  const id = await knownId(store);
  if (id === null) throw new UsageError(`${store.address}/${NAME} cannot be read: remove it`);
  return id;
}

/** Null of what is no store, or one that nothing was handed out of. */
export async function knownId(store: Store): Promise<string | null> {
  const text = await store.read(NAME);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text)).id;
  } catch {
    throw new UsageError(`${store.address}/${NAME} is damaged: remove it, and start again what uses it`);
  }
}
