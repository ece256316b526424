/**
 * The IDX format of MNIST: a big-endian header (two zero bytes, the element type, the number of axes, the
 * size of each axis) and the elements, row by row.
 */
import { assertArgument } from '../arguments.js';
import { DataError } from '../data-error.js';

export interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * @param file for messages
 * @throws DataError when the bytes are not an IDX array of unsigned bytes, whole and without rest
 */
export function parseIdx(bytes: Uint8Array, file: string): IdxArray {
  assertArgument(bytes instanceof Uint8Array, 'parseIdx(): bytes', bytes, 'a Uint8Array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0 || view.getUint8(2) !== UNSIGNED_BYTE) {
    throw new DataError(`${file} is not an IDX file of unsigned bytes`);
  }
  const axes = view.getUint8(3);
  const start = 4 + 4 * axes;
  if (bytes.length < start) throw new DataError(`${file} is truncated: it ends within its header`);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = start + shape.reduce((a, b) => a * b, 1);
  if (bytes.length !== expected) {
    const what = bytes.length < expected ? 'truncated' : 'too long';
    throw new DataError(
      `${file} is ${what}: ${bytes.length} bytes where [${shape.join(', ')}] needs ${expected}`,
    );
  }
  return { shape, values: bytes.subarray(start) };
}
