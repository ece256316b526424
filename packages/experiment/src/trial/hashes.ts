/** Digests of what an experiment is made of, in Node and in browsers. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { configure } from 'safe-stable-stringify';

const stringify = configure({ strict: true });

/** JSON that does not depend on the order in which keys were written. */
export function canonicalJson(value: unknown): string {
  return stringify(value) as string;
}

/** A hash of what comes part by part. */
export function hashing(digits = 16): { add(part: ArrayBufferView): void; digest(): string } {
  const hash = sha256.create();
  return {
    add: ({ buffer, byteOffset, byteLength }) => {
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    },
    digest: () => bytesToHex(hash.digest()).slice(0, digits),
  };
}

export function hashOf(parts: Iterable<ArrayBufferView>, digits = 16): string {
  const hash = hashing(digits);
  for (const part of parts) hash.add(part);
  return hash.digest();
}

export function textHash(text: string, digits = 16): string {
  return hashOf([utf8ToBytes(text)], digits);
}
