import { describe, expect, it } from 'vitest';

import { numberLogarithm, numberToken, NUMBER_TOKENS } from './numbers.js';
import { emptyLine, MISSING_INTEGER, parseLine } from './parse.js';

const integers = ['1', '-2', '', '2147483647', '-2147483647', '0', '7', '8', '9', '10', '11', '12', '13'];
const categories = ['68fd1e64', '', 'FFFFFFFF', '00000000', ...Array.from({ length: 22 }, () => '0000000a')];
const row = (label = '1', ints = integers, cats = categories) => [label, ...ints, ...cats].join('\t');
const parsed = (text: string) => {
  const line = emptyLine();
  const bytes = new TextEncoder().encode(`??${text}??`);
  return { fault: parseLine(bytes, 2, bytes.length - 2, line), line };
};

describe('a line', () => {
  it('is a label, 13 integers and 26 categories, any but the label empty', () => {
    const { fault, line } = parsed(row());
    expect(fault).toBeNull();
    expect(line.label).toBe(1);
    expect([...line.integers]).toEqual(
      integers.map((text) => (text === '' ? MISSING_INTEGER : Number(text))),
    );
    expect([...line.categories].slice(0, 5)).toEqual([0x68fd1e64, 0, 2 ** 32 - 1, 0, 10]);
    expect([...line.isMissing].slice(0, 5)).toEqual([0, 1, 0, 0, 0]);
  });

  it('may end as lines do on Windows', () => {
    expect(parsed(`${row()}\r`).fault).toBeNull();
    const empty = parsed(`0${'\t'.repeat(39)}\r`);
    expect(empty.fault).toBeNull();
    expect([...empty.line.isMissing]).toEqual(Array.from({ length: 26 }, () => 1));
  });

  it.each([
    ['', /it has 1 fields/],
    [row().slice(2), /it has 39 fields between tabs.*test.txt has no labels/],
    [`${row()}\t`, /it has 41 fields/],
    [row('2'), "its label is '2', and is to be 0 or 1"],
    [row(''), "its label is ''"],
    [row('01'), "its label is '01'"],
    [row('0', ['1.5', ...integers.slice(1)]), "its integer 1 is '1.5', and is to be a whole number"],
    [row('0', [...integers.slice(1), '-']), "its integer 13 is '-'"],
    [row('0', ['2147483648', ...integers.slice(1)]), "its integer 1 is '2147483648'"],
    [row('0', ['99999999999', ...integers.slice(1)]), "its integer 1 is '99999999999'"],
    [row('0', integers, ['68fd1e6', ...categories.slice(1)]), "its category 1 is '68fd1e6', and is to be"],
    [row('0', integers, [...categories.slice(1), '68fd1e6g']), "its category 26 is '68fd1e6g'"],
  ])('%j is none, and says why', (text, why) => {
    expect(parsed(text).fault).toMatch(why);
  });
});

describe('a number', () => {
  it("becomes the competition's token", () => {
    // ln(3)² = 1.207, ln(4)² = 1.922, ln(5)² = 2.590, ln(100)² = 21.208, ln(2³¹ − 1)² = 461.72.
    const tokens = [MISSING_INTEGER, -9, -3, -2, -1, 0, 1, 2, 3, 4, 5, 100, 2 ** 31 - 1].map(numberToken);
    expect(tokens).toEqual([0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 27, 467]);
    expect(NUMBER_TOKENS).toBe(468);
  });

  it('becomes its logarithm, with its sign', () => {
    expect([MISSING_INTEGER, 0].map(numberLogarithm)).toEqual([0, 0]);
    expect(numberLogarithm(1)).toBeCloseTo(Math.LN2, 12);
    expect(numberLogarithm(-3)).toBeCloseTo(-2 * Math.LN2, 12);
  });
});
