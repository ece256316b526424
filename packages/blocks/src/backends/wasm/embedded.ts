// WebAssembly as text within JavaScript: no file lies beside it, and nothing is fetched. Written by tools/embed.mjs, which
// tells why so.

import type { Binaries } from './instantiate.js';

const FIRST = 32;
const LAST = 126;
/** What a string, a template or a page gives a meaning to does not occur. */
const LEFT_OUT = '\'"`\\$<';
/** The last characters stand before another. */
const PREFIXES = 2;

/** By code, the place of a character. */
const PLACES = new Uint8Array(LAST + 1);
let places = 0;
for (let code = FIRST; code <= LAST; code++) {
  if (!LEFT_OUT.includes(String.fromCharCode(code))) PLACES[code] = places++;
}
const SINGLES = places - PREFIXES;

/**
 * Two builds of a module.
 *
 * @param order the values of bytes in hexadecimal, in the order of their places
 * @param pieces of the build without relaxed SIMD and of the one with it, in turns
 */
export function embedded(order: string, pieces: readonly string[]): Binaries {
  let builds: readonly Uint8Array[] | undefined;
  const all = () =>
    (builds ??= [0, 1].map((turn) => decode(order, pieces.filter((_, i) => i % 2 === turn).join(''))));
  return {
    get simd() {
      return all()[0]!;
    },
    get relaxedSimd() {
      return all()[1]!;
    },
  };
}

function decode(order: string, text: string): Uint8Array {
  const values = Array.from({ length: order.length / 2 }, (_, i) =>
    parseInt(order.slice(2 * i, 2 * i + 2), 16),
  );
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const place = PLACES[text.charCodeAt(i)]!;
    const prefix = place - SINGLES;
    const whole = prefix < 0 ? place : (prefix + 1) * SINGLES + PLACES[text.charCodeAt(++i)]!;
    bytes.push(values[whole]!);
  }
  return Uint8Array.from(bytes);
}
