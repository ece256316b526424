/** Stores by their addresses, for Node: what one process opens, another finds again by `Store.address`. */
import { resolve } from 'node:path';

import { assertArgument } from '@espalier/core';

import { aPath } from '../arguments.js';
import { isBucketAddress } from './bucket.js';
import { folderStore, openFolder } from './folder.js';
import type { Store } from './store.js';

/** A store that has an address. */
export type AddressedStore = Store & { readonly address: string };

/**
 * Opens a store, and makes it where there is none.
 *
 * @param address the path of a folder, or `s3://<bucket>/<prefix>`
 * @throws UsageError where it cannot be made or written to
 */
export async function openStore(address: string): Promise<AddressedStore> {
  assertArgument('openStore()', 'address', address, aPath);
  if (!isBucketAddress(address)) return openFolder(address);
  return (await objects()).openBucket(address);
}

/** One that was opened before, here or by another process; nothing is made. */
export async function storeAt(address: string): Promise<AddressedStore> {
  assertArgument('storeAt()', 'address', address, aPath);
  if (!isBucketAddress(address)) return folderStore(resolve(address));
  const { bucketAt, bucketStore } = await objects();
  return bucketStore(await bucketAt(address));
}

/** A folder's absolute path; of what is no folder, its address as it is. */
export function storeAddress(asked: string): string {
  return isBucketAddress(asked) ? asked : resolve(asked);
}

/** Loaded where a store is in a bucket. */
async function objects() {
  const [{ openBucket, bucketStore }, { bucketAt }] = await Promise.all([
    import('./object-store.js'),
    import('./bucket.js'),
  ]);
  return { openBucket, bucketStore, bucketAt };
}
