/** A folder of results that several comparisons go to: opened when it is known that the first of them can be run. */
import { openStore, type AddressedStore } from '@espalier/experiment/node';

export function openedOnce(out: string): () => Promise<AddressedStore> {
  let opened: Promise<AddressedStore> | undefined;
  return () => (opened ??= openStore(out));
}
