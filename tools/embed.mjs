// Binaries as text for JavaScript: what `embedded` of @espalier/blocks reads (`src/backends/wasm/embedded.ts`).
//
// Base64 spreads three bytes over four characters, so that compression no longer sees where two builds of one source are
// alike. Here a byte is a character, or two where it is a rare one, and the builds take turns piece by piece, so that what
// is alike lies within the 32 KiB that gzip looks back: a second build adds an eighth to what is sent, not as much again.

import { Buffer } from 'node:buffer';

/** Printable, and nothing that a string, a template or a page gives a meaning to: no quotes, no backslash, `$` or `<`. */
const CHARACTERS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  (character) => !'\'"`\\$<'.includes(character),
);
/** The last ones stand before another, for the bytes that are left. */
const PREFIXES = 2;
const SINGLES = CHARACTERS.length - PREFIXES;
const PIECE_BYTES = 4096;

/**
 * @param {readonly Uint8Array[]} builds
 * @returns {{ order: string, pieces: string[] }} the values of bytes in hexadecimal, the most frequent first; and the pieces
 *   of the builds in turns, empty where one has no more
 */
export function embed(builds) {
  const frequencies = new Array(256).fill(0);
  for (const build of builds) for (const byte of build) frequencies[byte] += 1;
  const order = [...frequencies.keys()].sort((a, b) => frequencies[b] - frequencies[a]);
  const written = new Array(256);
  order.forEach((byte, place) => {
    const prefix = Math.floor(place / SINGLES);
    const character = CHARACTERS[place % SINGLES];
    written[byte] = prefix === 0 ? character : `${CHARACTERS[SINGLES + prefix - 1]}${character}`;
  });
  const count = Math.max(...builds.map(({ length }) => Math.ceil(length / PIECE_BYTES)));
  const pieces = Array.from({ length: count }, (_, i) =>
    builds.map((build) =>
      [...build.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES)].map((byte) => written[byte]).join(''),
    ),
  );
  return { order: Buffer.from(order).toString('hex'), pieces: pieces.flat() };
}
