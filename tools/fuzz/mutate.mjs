/**
 * Damage, as a disk, a network or a hand does it: to plain objects (fields, counts, shapes, texts, arrays) and to bytes.
 * Everything is drawn from a generator of one's own, so that a seed tells a case.
 */

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A copy of a plain value (objects, arrays, typed arrays, texts, numbers) with one to three changes in it. */
export function mutated(value, random) {
  let copy = structuredClone(value);
  for (let changes = 1 + Math.floor(random() ** 2 * 3); changes > 0; changes--) {
    const holders = holdersIn(copy);
    if (holders.length === 0) copy = changed(copy, random, copy);
    else changeEntry(pick(holders, random), random, copy);
  }
  return copy;
}

/** A copy of bytes with one to three changes in it: bits, bytes, stretches; cut off, inserted, doubled. */
export function mutatedBytes(bytes, random) {
  let copy = Uint8Array.from(bytes);
  for (let changes = 1 + Math.floor(random() ** 2 * 3); changes > 0; changes--) {
    copy = pick(BYTE_CHANGES, random)(copy, random);
  }
  return copy;
}

function pick(choices, random) {
  return choices[below(choices.length, random)];
}

function below(count, random) {
  return Math.floor(random() * count);
}

/** The objects, arrays and typed arrays in a value that have an entry to change. */
function holdersIn(value, found = []) {
  if (typeof value !== 'object' || value === null) return found;
  if (ArrayBuffer.isView(value)) return value.length > 0 ? [...found, value] : found;
  const entries = Object.values(value);
  if (entries.length > 0) found.push(value);
  for (const entry of entries) {
    for (const holder of holdersIn(entry)) found.push(holder);
  }
  return found;
}

function changeEntry(holder, random, whole) {
  const key = pick(Object.keys(holder), random);
  if (ArrayBuffer.isView(holder)) {
    holder[key] = random() < 0.5 ? -holder[key] : pick(NUMBERS, random);
    return;
  }
  const way = random();
  if (way < 0.6) holder[key] = changed(holder[key], random, whole);
  else if (Array.isArray(holder)) changeArray(holder, Number(key), random, whole);
  else changeObject(holder, key, random, whole);
}

function changeArray(array, at, random, whole) {
  const other = below(array.length, random);
  switch (below(5, random)) {
    case 0:
      return array.splice(at, 1 + below(array.length - at, random));
    case 1:
      return array.splice(other, 0, structuredClone(array[at]));
    case 2:
      return ([array[at], array[other]] = [array[other], array[at]]);
    case 3:
      return array.push(...Array.from({ length: 1 + below(40, random) }, () => structuredClone(array[at])));
    default:
      return (array[at] = anotherIn(whole, random));
  }
}

function changeObject(object, key, random, whole) {
  const other = pick(Object.keys(object), random);
  switch (below(5, random)) {
    case 0:
      return delete object[key];
    case 1:
      return ([object[key], object[other]] = [object[other], object[key]]);
    case 2:
      return (object[changedText(key, random)] = object[key]);
    case 3:
      return (object[key] = structuredClone(object[other]));
    default:
      return (object[key] = anotherIn(whole, random));
  }
}

/** A copy of something from elsewhere in the whole, that is not large. */
function anotherIn(whole, random) {
  const holder = pick(holdersIn(whole), random);
  const value = holder === undefined ? null : pick(Object.values(holder), random);
  return JSON.stringify(value ?? null).length < 10_000 ? structuredClone(value) : null;
}

/** Where counting wraps, rounds or ends, and what is no count. */
const NUMBERS = [
  ...[0, -0, 1, -1, 2, 3, 0.5, 1.5, 255, 256, 65_535, 65_536, 1_000_003],
  ...[2 ** 24 + 1, 2 ** 29, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53],
  ...[1e300, -1e300, NaN, Infinity, -Infinity, -(2 ** 31)],
];
const OTHERS = [null, undefined, true, false, '', '0', 'none', [], {}, [[]], 0, -1, 2 ** 32];

function changed(value, random, whole) {
  if (random() < 0.15) return structuredClone(pick(OTHERS, random));
  if (random() < 0.05) return anotherIn(whole, random);
  switch (typeof value) {
    case 'number':
      return changedNumber(value, random);
    case 'string':
      return changedText(value, random);
    case 'boolean':
      return !value;
    default:
      return structuredClone(pick(OTHERS, random));
  }
}

function changedNumber(value, random) {
  const near = [
    value + 1,
    value - 1,
    2 * value,
    -value,
    value / 2,
    value ** 2,
    value + 2 ** 32,
    String(value),
  ];
  return pick(random() < 0.5 ? near : NUMBERS, random);
}

function changedText(text, random) {
  const at = below(text.length + 1, random);
  const letter = pick([...'0123456789abcdefghijklmnopqrstuvwxyzZ_-/ é\u0000', ''], random);
  switch (below(6, random)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1);
    case 1:
      return text.slice(0, at);
    case 2:
      return text.repeat(1 + below(20, random)).slice(0, 100_000);
    case 3:
      return [...text].reverse().join('');
    case 4:
      return text.slice(0, at) + letter + text.slice(at);
    default:
      return text.slice(0, at) + letter + text.slice(at + 1);
  }
}

const BYTE_CHANGES = [
  (bytes, random) => flipBit(bytes, random),
  (bytes, random) => flipBit(bytes, random),
  (bytes, random) => flipBit(bytes, random),
  (bytes, random) => bytes.with(below(bytes.length, random), below(256, random)),
  (bytes, random) => bytes.slice(0, below(bytes.length, random)),
  (bytes, random) => filled(bytes, random, () => 0),
  (bytes, random) => filled(bytes, random, () => 255),
  (bytes, random) => filled(bytes, random, () => below(256, random)),
  (bytes, random) => {
    const [from, to] = stretch(bytes, random);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, random) => {
    const [from, to] = stretch(bytes, random);
    return joined(bytes.subarray(0, to), bytes.subarray(from));
  },
  (bytes, random) => {
    const [from, to] = stretch(bytes, random);
    const at = below(bytes.length, random);
    const copy = bytes.slice();
    copy.set(bytes.subarray(from, Math.min(to, from + bytes.length - at)), at);
    return copy;
  },
];

function flipBit(bytes, random) {
  if (bytes.length === 0) return bytes;
  const at = below(bytes.length, random);
  return bytes.with(at, bytes[at] ^ (1 << below(8, random)));
}

function filled(bytes, random, value) {
  const [from, to] = stretch(bytes, random);
  return bytes.map((byte, at) => (at >= from && at < to ? value() : byte));
}

/** A stretch of a few bytes, or of many. */
function stretch(bytes, random) {
  const from = below(bytes.length, random);
  const most = random() < 0.5 ? 8 : bytes.length;
  return [from, Math.min(bytes.length, from + 1 + below(most, random))];
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
