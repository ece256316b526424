/** A folder of results that several comparisons go to: opened when it is known that the first of them can be run. */
import { openFolder, type FolderStore } from '@espalier/experiment/node';

export function openedOnce(out: string): () => Promise<FolderStore> {
  let opened: Promise<FolderStore> | undefined;
  return () => (opened ??= openFolder(out));
}
