/**
 * TFRecord files: each record is its length, 8 bytes, the masked CRC-32C of those, its bytes, and theirs; numbers with
 * the lowest byte first.
 *
 * https://www.tensorflow.org/tutorials/load_data/tfrecord
 */
import { crc32c } from './crc32c.js';

const HEAD = 12;
const TAIL = 4;
/** Rotates and adds, so that the checksum of what holds checksums is not one of them. */
const MASK_DELTA = 0xa282ead8;

export function record(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD + content.length + TAIL);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(content.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(content, HEAD);
  view.setUint32(HEAD + content.length, masked(crc32c(content)), true);
  return bytes;
}

export interface Records {
  readonly records: readonly Uint8Array[];
  /** Bytes from the start that they take; what follows is cut off, or damaged. */
  readonly length: number;
}

/** The records up to the first that is not whole. */
export function wholeRecords(bytes: Uint8Array): Records {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + HEAD <= bytes.length) {
    if (view.getUint32(at + 8, true) !== masked(crc32c(bytes.subarray(at, at + 8)))) break;
    const start = at + HEAD;
    const end = start + Number(view.getBigUint64(at, true));
    if (end + TAIL > bytes.length) break;
    const content = bytes.subarray(start, end);
    if (view.getUint32(end, true) !== masked(crc32c(content))) break;
    records.push(content);
    at = end + TAIL;
  }
  return { records, length: at };
}

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
