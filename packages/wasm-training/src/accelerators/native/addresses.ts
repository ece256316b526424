// Where the bytes of a wasm memory, and of a workspace beside it, lie in the memory of the process.

/** Where a buffer begins in the memory of the process. */
export type AddressOf = (buffer: ArrayBuffer) => number;

/** The addresses of byte offsets into `memory`, which may grow between two calls: growing replaces its buffer, and may move it. */
export function addressesIn(memory: WebAssembly.Memory, addressOf: AddressOf): (offset: number) => number {
  let buffer: ArrayBuffer | null = null;
  let base = 0;
  return (offset) => {
    if (memory.buffer !== buffer) {
      buffer = memory.buffer;
      base = addressOf(buffer);
    }
    return base + offset;
  };
}

/** Libraries are fastest where memory begins at a cache line. */
export const CACHE_LINE = 64;

/** The address of at least so many bytes, at a cache line, kept for reuse; a larger demand replaces them. */
export function nativeWorkspace(addressOf: AddressOf): (bytes: number) => number {
  let buffer = new ArrayBuffer(0);
  let start = 0;
  return (bytes) => {
    if (buffer.byteLength < bytes + CACHE_LINE) {
      buffer = new ArrayBuffer(bytes + CACHE_LINE);
      start = Math.ceil(addressOf(buffer) / CACHE_LINE) * CACHE_LINE;
    }
    return start;
  };
}
