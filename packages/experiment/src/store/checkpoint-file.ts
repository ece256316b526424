/** A checkpoint as bytes, for Node: its numbers are kept to the bit. */
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';

import type { Checkpoint } from './store.js';
import { checkpointSchema } from './schemas.js';
import { FORMAT_VERSION } from './sealed.js';
import { Doubtful } from './trouble.js';

/** What it is, in which version, and a checksum over the rest: one line before the bytes. */
const HEADER = new RegExp(`^espalier checkpoint (\\d+) ([0-9a-f]{64})\n`);

export function pack(standing: Checkpoint): Uint8Array {
  const bytes = serialize(standing);
  return Buffer.concat([Buffer.from(`espalier checkpoint ${FORMAT_VERSION} ${sha256(bytes)}\n`), bytes]);
}

/** @throws Doubtful */
export function unpack(file: Buffer, path: string): Checkpoint {
  const header = HEADER.exec(file.subarray(0, 128).toString('latin1'));
  if (!header) throw new Doubtful(`${path} is damaged, or of an earlier version`);
  const [line, version, checksum] = header;
  if (Number(version) !== FORMAT_VERSION) {
    throw new Doubtful(`${path} is of version ${version} of its format`);
  }
  const bytes = file.subarray(line.length);
  if (sha256(bytes) !== checksum) throw new Doubtful(`${path} is not what was written there`);
  const content = checkpointSchema.safeParse(deserialized(bytes, path));
  if (content.success) return content.data;
  const [issue] = content.error.issues;
  throw new Doubtful(`${path} is not whole: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Its checksum is right, but another version of Node may have written it. */
function deserialized(bytes: Buffer, path: string): unknown {
  try {
    return deserialize(bytes);
  } catch (error) {
    throw new Doubtful(`${path} cannot be read by this Node (${(error as Error).message})`);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
