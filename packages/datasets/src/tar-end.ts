/** Whether a tar archive is whole: one that was cut between two files looks whole to who reads it. */
import { open } from 'node:fs/promises';

/** Archives end in blocks of zeros. */
const BLOCK = 512;

/** @throws Error where it does not end as archives do */
export async function assertTarEnds(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0) throw new Error('it is empty');
    const last = new Uint8Array(BLOCK);
    const { bytesRead } = await file.read(last, 0, last.length, Math.max(0, size - last.length));
    if (bytesRead < last.length || last.some((byte) => byte !== 0)) throw new Error('it has no end');
  } finally {
    await file.close();
  }
}
