/** The lines of the competition's file: 40 fields between tabs, empty where a value is missing, and no header. */

export const INTEGERS = 13;
export const CATEGORIES = 26;
/** Beside the label. */
export const FIELDS = INTEGERS + CATEGORIES;

/** Of an integer that is missing: the least that 32 bits hold, which is no value. */
export const MISSING_INTEGER = -(2 ** 31);

/** One line, whose arrays the next one overwrites. */
export interface Line {
  /** 0 or 1. */
  label: number;
  /** Of 13; `MISSING_INTEGER` where there is none. */
  readonly integers: Int32Array;
  /** Of 26: eight hexadecimal digits as a number. */
  readonly categories: Uint32Array;
  /** Of 26: 1 where there is none. */
  readonly isMissing: Uint8Array;
}

export function emptyLine(): Line {
  return {
    label: 0,
    integers: new Int32Array(INTEGERS),
    categories: new Uint32Array(CATEGORIES),
    isMissing: new Uint8Array(CATEGORIES),
  };
}

const [TAB, MINUS, ZERO, RETURN] = ['\t', '-', '0', '\r'].map((letter) => letter.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
];

/**
 * Reads bytes and not text: a whole file has 45 million lines.
 *
 * @param end of the line, without what ends it but for a carriage return
 * @returns what is wrong, in words that follow a colon; null where nothing is
 */
export function parseLine(bytes: Uint8Array, start: number, end: number, line: Line): string | null {
  const last = end > start && bytes[end - 1] === RETURN ? end - 1 : end;
  let from = start;
  for (let field = 0; field <= FIELDS; field++) {
    let to = from;
    while (to < last && bytes[to] !== TAB) to += 1;
    const isLast = to === last;
    if (isLast !== (field === FIELDS)) return ofFields(bytes, start, last);
    if (!parseField(bytes, from, to, field, line)) {
      return ofFields(bytes, start, last) ?? ofField(bytes, from, to, field);
    }
    from = to + 1;
  }
  return null;
}

/** @param field 0 is the label, then integers, then categories */
function parseField(bytes: Uint8Array, from: number, to: number, field: number, line: Line): boolean {
  if (field === 0) {
    line.label = (bytes[from] as number) - ZERO;
    return to === from + 1 && (line.label === 0 || line.label === 1);
  }
  if (field <= INTEGERS) {
    const value = from === to ? MISSING_INTEGER : integer(bytes, from, to);
    line.integers[field - 1] = value;
    return !Number.isNaN(value);
  }
  const category = from === to ? 0 : eightHexDigits(bytes, from, to);
  line.categories[field - 1 - INTEGERS] = category;
  line.isMissing[field - 1 - INTEGERS] = from === to ? 1 : 0;
  return !Number.isNaN(category);
}

/** NaN for what is none within ±(2³¹ − 1). */
function integer(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from] === MINUS ? from + 1 : from;
  if (first === to || to - first > 10) return NaN;
  let value = 0;
  for (let i = first; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = 10 * value + digit;
  }
  if (value > 2 ** 31 - 1) return NaN;
  return first === from ? value : -value;
}

/** By the byte that writes it; 255 of what is no hexadecimal digit. */
const hexDigit = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte);
  return /[0-9a-fA-F]/.test(letter) ? parseInt(letter, 16) : 255;
});

/** NaN for what is none. */
function eightHexDigits(bytes: Uint8Array, from: number, to: number): number {
  if (to - from !== 8) return NaN;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = hexDigit[bytes[i] as number] as number;
    if (digit > 15) return NaN;
    value = 16 * value + digit;
  }
  return value;
}

function ofFields(bytes: Uint8Array, start: number, end: number): string | null {
  const fields = bytes.subarray(start, end).reduce((count, byte) => count + Number(byte === TAB), 1);
  if (fields === FIELDS + 1) return null;
  const hint = fields === FIELDS ? " (the competition's test.txt has no labels)" : '';
  return `it has ${fields} fields between tabs, where a label, 13 integers and 26 categories are ${FIELDS + 1}${hint}`;
}

function ofField(bytes: Uint8Array, from: number, to: number, field: number): string {
  const seen = `'${new TextDecoder().decode(bytes.subarray(from, Math.min(to, from + 40)))}'`;
  if (field === 0) return `its label is ${seen}, and is to be 0 or 1`;
  if (field <= INTEGERS) return `its integer ${field} is ${seen}, and is to be a whole number in ±(2³¹ − 1)`;
  return `its category ${field - INTEGERS} is ${seen}, and is to be eight hexadecimal digits`;
}
