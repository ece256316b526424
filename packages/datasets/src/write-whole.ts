/** Writing files that are whole or not there. */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/** As JSON, under another name first: a file of the right name is whole. */
export async function writeWhole(path: string, value: unknown): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await writeFile(partial, `${JSON.stringify(value, null, 2)}\n`);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}
