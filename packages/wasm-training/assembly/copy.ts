// Moves runs of 4-byte elements: slices, and rows that indices name.

/** Copies `runs` runs of `bytes` bytes whose starts are `fromStep` and `toStep` bytes apart. */
export function copyRuns(from: usize, to: usize, runs: i32, bytes: usize, fromStep: usize, toStep: usize): void {
  for (let r = 0; r < runs; r++) {
    copyRun(from, to, bytes);
    from += fromStep;
    to += toStep;
  }
}

/**
 * out[o, i, :] = x[o, indices[i], :] for x [outer, length, run of `bytes`] and int32 indices [count].
 *
 * @returns the position of the first index outside 0 … length - 1, or -1; nothing is copied if there is one
 */
export function gatherRuns(
  x: usize,
  indices: usize,
  out: usize,
  outer: i32,
  length: i32,
  bytes: usize,
  count: i32,
): i32 {
  for (let i = 0; i < count; i++) {
    const index = load<i32>(indices + (<usize>i << 2));
    if (index < 0 || index >= length) return i;
  }
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      copyRun(x + <usize>load<i32>(indices + (<usize>i << 2)) * bytes, out, bytes);
      out += bytes;
    }
    x += <usize>length * bytes;
  }
  return -1;
}

/** Beyond this many bytes the engine's own copy is faster than a loop. */
const LONG_RUN: usize = 1024;

// @ts-ignore: decorator
@inline
function copyRun(from: usize, to: usize, bytes: usize): void {
  if (bytes >= LONG_RUN) {
    memory.copy(to, from, bytes);
    return;
  }
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
  for (; at < bytes; at += 4) store<u32>(to + at, load<u32>(from + at));
}
