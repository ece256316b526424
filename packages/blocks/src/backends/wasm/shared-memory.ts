// A module for memory that is shared between threads differs from one for memory of its own in one declaration.

const IMPORTS = 2;
const MEMORY = 2;
const SHARED_WITH_MAXIMUM = 3;
const HEADER_BYTES = 8;

/** The largest memory that tfjs' threaded backend declares: 65,536 pages of 64 KiB, as a LEB128 number. */
const MAXIMUM = [0x80, 0x80, 0x04];

/**
 * The same module, importing shared memory of at most 4 GiB. Its one import is to be memory without a maximum.
 *
 * @throws Error for a module of other imports
 */
export function withSharedMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  for (let at = HEADER_BYTES; at < module.length;) {
    const { value: size, next: start } = leb128(module, at + 1);
    if (module[at] === IMPORTS) {
      const limits = limitsOf(module, start);
      const declared = [SHARED_WITH_MAXIMUM, ...module.subarray(limits + 1, start + size), ...MAXIMUM];
      const section = [...module.subarray(start, limits), ...declared];
      return Uint8Array.from([
        ...module.subarray(0, at + 1),
        ...toLeb128(section.length),
        ...section,
        ...module.subarray(start + size),
      ]);
    }
    at = start + size;
  }
  throw new Error('a module that imports no memory cannot share it');
}

/** Where the limits of the imported memory begin: after the count, two names and the kind. */
function limitsOf(module: Uint8Array, start: number): number {
  const { value: count, next: first } = leb128(module, start);
  const end = afterName(module, afterName(module, first));
  if (count === 1 && module[end] === MEMORY && module[end + 1] === 0) return end + 1;
  throw new Error('a module that imports more than memory without a maximum cannot share it');
}

function afterName(module: Uint8Array, at: number): number {
  const { value: length, next } = leb128(module, at);
  return next + length;
}

function leb128(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let shift = 0, next = at; ; shift += 7) {
    const byte = bytes[next++] as number;
    value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) return { value, next };
  }
}

function toLeb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...toLeb128(value >>> 7)];
}
