/** Digests of what an experiment is made of, in Node and in browsers. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { configure } from 'safe-stable-stringify';

const stringify = configure({ strict: true });

/** JSON that does not depend on the order in which keys were written. */
export function canonicalJson(value: unknown): string {
  return stringify(value) as string;
}

export function hashOf(parts: Iterable<ArrayBufferView>, digits = 16): string {
  const hash = sha256.create();
  for (const part of parts) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return bytesToHex(hash.digest()).slice(0, digits);
}

export function textHash(text: string, digits = 16): string {
  return hashOf([utf8ToBytes(text)], digits);
}
