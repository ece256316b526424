import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readSafetensors, writeSafetensors, type TensorToWrite } from './index.js';
import { readSafetensorsFile, writeSafetensorsFile } from './node.js';
import { fileOf, fixture, messageOf } from './test-support.js';

/** What a number is to Python's `str`. */
function numberOf(text: string): number | bigint {
  const words: Record<string, number> = { True: 1, False: 0, nan: NaN, inf: Infinity, '-inf': -Infinity };
  return words[text] ?? Number(text);
}

describe('a file that PyTorch wrote', () => {
  const expected = JSON.parse(new TextDecoder().decode(fixture('dtypes.json'))) as Record<
    string,
    { shape: number[]; numbers: string[] }
  >;
  it.each(Object.keys(expected))('has the numbers that PyTorch reads of it: %s', (name) => {
    const { tensors, metadata } = readSafetensors(fixture('dtypes.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    const { dtype, shape, data } = tensors.get(name)!;
    expect(shape).toEqual(expected[name]!.shape);
    if (dtype === 'I64') expect([...data].map(String)).toEqual(expected[name]!.numbers);
    // Object.is tells -0 from 0.
    else expect([...data].map(Number)).toEqual(expected[name]!.numbers.map(numberOf));
    if (/^B?F/.test(dtype)) expect(data).toBeInstanceOf(Float32Array);
  });

  it('is read of an ArrayBuffer, and of bytes that begin anywhere', () => {
    const bytes = fixture('dtypes.safetensors');
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const whole = readSafetensors(bytes);
    expect(readSafetensors(shifted.subarray(3))).toEqual(whole);
    expect(readSafetensors(bytes.slice().buffer)).toEqual(whole);
    expect(whole.tensors.get('F32')!.data.buffer).not.toBe(bytes.buffer);
  });
});

const u8 = (begin: number, end: number, shape = [end - begin]) => ({
  ...{ dtype: 'U8', shape },
  data_offsets: [begin, end],
});

describe('a file that is damaged, or made to do harm, is refused:', () => {
  const length = (bytes: bigint) => {
    const file = fileOf({}, 8);
    new DataView(file.buffer).setBigUint64(0, bytes, true);
    return file;
  };
  it.each<[string, Uint8Array, string]>([
    ['empty', new Uint8Array(), 'has 0 bytes'],
    ['cut within the length', new Uint8Array(7), 'has 7 bytes, and the length of its header takes 8'],
    [
      'a header longer than the file',
      length(11n),
      'tells of a header of 11 bytes, and has room for one of 10',
    ],
    ['a length beyond 2^53', length(2n ** 53n + 1n), 'tells of a header of 9007199254740993 bytes'],
    ['a length that would be negative', length(2n ** 64n - 1n), 'a header of 18446744073709551615 bytes'],
    ['no JSON', fileOf('{"a":'), 'has a header that is no JSON ('],
    ['no UTF-8', fileOf('{}').with(9, 0xff), 'has a header that is no JSON ('],
    ['a header that is a list', fileOf('[1,2]'), 'has a header that is no object, but begins with "[1,2]"'],
    ['a header that is null', fileOf('null'), 'has a header that is no object'],
    ['deep nesting', fileOf('{"a":'.repeat(1e5)), 'has a header that is no JSON ('],
    [
      'a name twice',
      fileOf(`{"a":${JSON.stringify(u8(0, 4))},"\\u0061":${JSON.stringify(u8(0, 4))}}`, 4),
      'names "a" twice',
    ],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), 'names "__metadata__" twice'],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), 'has as __metadata__ an object of a'],
    ['a tensor that is null', fileOf({ a: null }), 'has "a" of the dtype undefined'],
    [
      'an unknown dtype',
      fileOf({ w: { ...u8(0, 1), dtype: 'F8_E4M3' } }, 1),
      `has "w" of the dtype 'F8_E4M3'`,
    ],
    ['a dtype of every object', fileOf({ w: { ...u8(0, 1), dtype: 'toString' } }, 1), "the dtype 'toString'"],
    ['a shape that is text', fileOf({ w: { ...u8(0, 1), shape: '1' } }, 1), `of the shape '1' (a string)`],
    ['a length below 0', fileOf({ w: u8(0, 1, [-1]) }, 1), 'of the shape [-1]'],
    ['a length that is no whole number', fileOf({ w: u8(0, 1, [0.5, 2]) }, 1), 'of the shape [0.5, 2]'],
    [
      'offsets that are three',
      fileOf({ w: { ...u8(0, 1), data_offsets: [0, 1, 2] } }, 1),
      'at the offsets [0, 1, 2]',
    ],
    ['offsets backwards', fileOf({ w: u8(1, 0) }, 1), 'of the shape [-1]'],
    ['offsets backwards, of shape 0', fileOf({ w: u8(1, 0, [0]) }, 1), 'which are no begin and end'],
    ['offsets below 0', fileOf({ w: u8(-1, 0) }, 1), 'at the offsets [-1, 0]'],
    [
      'a shape that is not that of the offsets',
      fileOf({ w: { ...u8(0, 4, [2]), dtype: 'F32' } }, 4),
      'has "w" of the shape [2] in F32, 8 bytes, at offsets of 4',
    ],
    [
      'a shape whose product is beyond all numbers',
      fileOf({ w: u8(0, 4, new Array<number>(40).fill(2 ** 52)) }, 4),
      'Infinity bytes, at offsets of 4',
    ],
    [
      'a shape whose product is 0 by overflow in 64 bits',
      fileOf({ w: u8(0, 0, [2 ** 32, 2 ** 32]) }),
      '18446744073709552000 bytes, at offsets of 0',
    ],
    [
      'a tensor of more than the file',
      fileOf({ w: u8(0, 2 ** 40) }, 4),
      'has "w" up to byte 1099511627776, and 4 bytes',
    ],
    [
      'tensors over each other',
      fileOf({ a: u8(0, 4), b: u8(2, 6) }, 6),
      'has "b" from byte 2 on, where 4 is the first',
    ],
    ['a hole', fileOf({ a: u8(0, 4), b: u8(5, 6) }, 6), 'it leaves a hole before it'],
    ['a hole at the beginning', fileOf({ a: u8(1, 4) }, 4), 'has "a" from byte 1 on, where 0 is the first'],
    ['bytes that nobody tells of', fileOf({ a: u8(0, 4) }, 6), 'has 6 bytes of tensors, and tells of 4'],
  ])('%s', (_, file, message) => {
    const said = messageOf(() => readSafetensors(file));
    expect(said).toContain('RangeError: The safetensors file ');
    expect(said).toContain(message);
    expect(said.length).toBeLessThan(400);
    expect(said).not.toContain('\n');
  });

  it('any cut, and any bit of the header, is refused or read as something whole', () => {
    const file = fixture('words.safetensors');
    for (let length = 0; length < file.length; length++) {
      expect(messageOf(() => readSafetensors(file.subarray(0, length)))).toContain('RangeError');
    }
    const headerBits = 8 * (8 + Number(new DataView(file.buffer).getBigUint64(0, true)));
    for (let bit = 0; bit < headerBits; bit++) {
      const damaged = file.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(messageOf(() => readSafetensors(damaged))).toMatch(/^(nothing was thrown|RangeError: The safe)/);
    }
  });

  it('what is no file at all', () => {
    expect(messageOf(() => readSafetensors('model.safetensors' as never))).toBe(
      "TypeError: readSafetensors() takes the bytes of a file, it is given 'model.safetensors' (a string)",
    );
  });
});

/** Whether UTF-8 has it: no half of a pair alone. */
const isText = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text)) === text;

const tensor: fc.Arbitrary<TensorToWrite> = fc.oneof(
  fc.float32Array({ noNaN: true }).map((data) => ({ shape: [data.length, 1], data })),
  fc.bigInt64Array().map((data) => ({ shape: [data.length], data })),
  fc.int16Array().map((data) => ({ shape: [1, data.length], data })),
  fc.uint8Array({ max: 1 }).map((data) => ({ dtype: 'BOOL' as const, shape: [data.length], data })),
);

it('what is written is read again, whatever it is called', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('__proto__', 'constructor', 'a"b', '\\'),
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, tensor), { selector: ([own]) => own }), (given) => {
      const tensors = new Map(given.filter(([own]) => isText(own) && own !== '__metadata__'));
      const bytes = writeSafetensors(tensors, { by: 'a test' });
      const read = readSafetensors(bytes);
      expect(read.metadata).toEqual({ by: 'a test' });
      expect(new Set(read.tensors.keys())).toEqual(new Set(tensors.keys()));
      for (const [own, { shape, data }] of tensors) {
        expect(read.tensors.get(own)).toMatchObject({ shape, data });
      }
      expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
    }),
    { numRuns: 40 },
  );
});

it('what cannot be written is refused', () => {
  const data = Float32Array.of(1, 2);
  const refused = (tensors: object) => messageOf(() => writeSafetensors(tensors as never));
  expect(refused([])).toContain('takes tensors by name, it is given [] (an array)');
  expect(refused({ w: { shape: [2], data: [1, 2] } })).toContain('w has [1, 2] (an array) of the shape [2]');
  expect(refused({ w: { shape: [3], data } })).toContain('w has the shape [3], 3 numbers, and 2 numbers');
  expect(refused({ w: { shape: [2], data, dtype: 'F16' } })).toContain('which is F32');
  expect(refused({ w: { shape: [1], data: Uint8Array.of(2), dtype: 'BOOL' } })).toContain(
    'other than 0 and 1',
  );
  expect(refused({ __metadata__: { shape: [2], data } })).toContain(
    'is the name of what is said of the file',
  );
  expect(refused({ w: { shape: [-1, -2], data } })).toContain('w has the shape [-1, -2], and lengths are');
  expect(refused({ w: { shape: [0.5, 4], data } })).toContain('w has the shape [0.5, 4], and lengths are');
  expect(refused({ w: null })).toContain('TypeError: writeSafetensors(): w has undefined of the shape');
  expect(refused(new Map([[1, { shape: [2], data }]]))).toContain('takes texts as names, one is 1');
  const said = (metadata: unknown) => messageOf(() => writeSafetensors({}, metadata as never));
  expect(said({ epochs: 3 })).toContain('takes as metadata texts by name, it is given 3 as epochs');
  expect(said(null)).toContain('takes as metadata texts by name, it is given null');
  expect(said(['pt'])).toContain("takes as metadata texts by name, it is given ['pt'] (an array)");
});

it('a tensor has the name that it is given by, whatever it calls itself', () => {
  const bias = { name: 'other', shape: [2], data: Float32Array.of(1, 2) };
  const { tensors } = readSafetensors(writeSafetensors({ 'fc1.bias': bias, 'fc2.bias': bias }));
  expect([...tensors.keys()]).toEqual(['fc1.bias', 'fc2.bias']);
});

describe('in Node', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'espalier-safetensors-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const refusal = (path: string) => readSafetensorsFile(path).catch((error: Error) => error.message);

  it('a file, and the files of an index', async () => {
    const [a, b] = [Float32Array.of(1), Float32Array.of(2, 3)].map((data) => ({
      shape: [data.length],
      data,
    }));
    await writeSafetensorsFile(join(folder, 'model-1.safetensors'), { a: a! });
    await writeSafetensorsFile(join(folder, 'model-2.safetensors'), { b: b! });
    const index = join(folder, 'model.safetensors.index.json');
    const put = (weightMap: unknown) => writeFile(index, JSON.stringify({ weight_map: weightMap }));
    await put({ a: 'model-1.safetensors', b: 'model-2.safetensors' });
    const { tensors } = await readSafetensorsFile(index);
    expect([...tensors].map(([name, { data }]) => [name, [...data].map(Number)])).toEqual([
      ['a', [1]],
      ['b', [2, 3]],
    ]);
    await put({ a: 'model-1.safetensors', c: 'model-1.safetensors' });
    expect(await refusal(index)).toContain(
      "'c' (a string) is said to be in model-1.safetensors, and is not there",
    );
    await put({ a: 'model-2.safetensors' });
    expect(await refusal(index)).toContain("has 'b' (a string), which the index does not place there");
    await put({ a: '../elsewhere/model-1.safetensors' });
    expect(await refusal(index)).toContain('which is no safetensors file beside it');
    await put({});
    expect(await refusal(index)).toContain('has no weight_map');
    await writeFile(index, '{');
    expect(await refusal(index)).toContain('is no JSON');
    await writeFile(join(folder, 'model-1.safetensors'), 'not');
    expect(await refusal(join(folder, 'model-1.safetensors'))).toMatch(
      /model-1\.safetensors: The safetensors file has 3/,
    );
    expect(await refusal(join(folder, 'none.safetensors'))).toContain('ENOENT');
    expect(await refusal(folder)).toBe(`${folder}: is no file`);
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  /** A file of 2 GiB and 16 bytes of tensors and more, of which the disk holds the ends alone. */
  const large = async (name: string, header: object) => {
    const [path, start] = [join(folder, name), fileOf(header)];
    await writeFile(path, start);
    await truncate(path, start.length + 2 ** 31 + 16);
    const file = await open(path, 'r+');
    await file.write(Uint8Array.of(7), 0, 1, start.length + 2 ** 31 + 15);
    await file.close();
    return path;
  };

  it('a file beyond what Node reads at once, and why it is damaged', async () => {
    const path = await large('large.safetensors', { a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } });
    expect(await refusal(path)).toBe(
      `${path}: The safetensors file has 2147483664 bytes of tensors, and tells of 4`,
    );
    await rm(path);
  });

  it.skipIf(!process.env['ESPALIER_LONG'])(
    'a tensor beyond what Node reads at once',
    { timeout: 120_000 },
    async () => {
      const path = await large('larger.safetensors', {
        a: { dtype: 'U8', shape: [2 ** 31 + 8], data_offsets: [0, 2 ** 31 + 8] },
        b: { dtype: 'U8', shape: [8], data_offsets: [2 ** 31 + 8, 2 ** 31 + 16] },
      });
      const { tensors } = await readSafetensorsFile(path);
      expect(tensors.get('a')!.data.length).toBe(2 ** 31 + 8);
      expect([...tensors.get('b')!.data]).toEqual([0, 0, 0, 0, 0, 0, 0, 7]);
      await rm(path);
    },
  );

  const python = process.env['ESPALIER_SAFETENSORS'];
  it.skipIf(!python)('Python reads what is written', async () => {
    const path = join(folder, 'written.safetensors');
    await writeSafetensorsFile(path, {
      'fc1.weight': { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 0.1) },
      'fc1.weight_mask': { dtype: 'BOOL', shape: [2, 1], data: Uint8Array.of(1, 0) },
      steps: { shape: [], data: BigInt64Array.of(-(2n ** 62n)) },
    });
    const program = [
      'import sys; from safetensors import safe_open; from safetensors.numpy import load_file',
      'for name, x in sorted(load_file(sys.argv[1]).items()): print(name, x.dtype, x.tolist())',
      'print(safe_open(sys.argv[1], "np").metadata())',
    ].join('\n');
    expect(execFileSync(python!, ['-c', program, path], { encoding: 'utf8' })).toBe(
      'fc1.weight float32 [[1.0, 2.0, 3.0], [4.0, 5.0, 0.10000000149011612]]\n' +
        'fc1.weight_mask bool [[True], [False]]\n' +
        "steps int64 -4611686018427387904\n{'format': 'pt'}\n",
    );
  });
});
