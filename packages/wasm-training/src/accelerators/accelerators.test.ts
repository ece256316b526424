import type { WasmBackend } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { acceleratorsOf, attachAccelerators } from './accelerator.js';
import { parseList } from './choice.js';
import {
  AcceleratorError,
  acceleratorNames,
  describeAccelerator,
  findAccelerators,
  inspectAccelerators,
  useAccelerators,
} from './index.js';

const found = await findAccelerators('auto');
const libraries = found.filter(({ library }) => library !== null);
if (libraries.length < 2)
  console.warn(`Not all libraries of accelerators are tested: ${found.map(describeAccelerator).join('; ')}`);

const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;

it('need a wasm backend that has been started', async () => {
  await expect(useAccelerators('auto')).rejects.toThrow(
    "start the wasm backend first: await tf.setBackend('wasm')",
  );
  await tf.setBackend('wasm');
  expect(await useAccelerators('auto')).toEqual(found);
  expect(acceleratorsOf(backend())).toHaveLength(libraries.length);
});

it('are none where they are switched off', async () => {
  await useAccelerators(['threads'], { threads: 2 });
  expect(acceleratorsOf(backend())).toHaveLength(1);
  expect(await useAccelerators('off')).toEqual([]);
  expect(acceleratorsOf(backend())).toEqual([]);
});

it('take so many threads as there may be', async () => {
  for (const threads of [0, 1.5, 257, 1e9, '2' as never]) {
    const seen = typeof threads === 'number' ? threads : "'2' (a string)";
    const message = `Accelerators(): threads = ${seen}, and is to be a whole number from 1 to 256`;
    await expect(useAccelerators('off', { threads })).rejects.toThrow(message);
    await expect(findAccelerators('auto', { threads })).rejects.toThrow(message);
  }
});

it.skipIf(libraries.length === 0)(
  'chosen by auto are libraries alone, with threads of their own',
  async () => {
    expect((await findAccelerators('auto', { threads: 2 })).map(({ name }) => name)).toEqual([
      'onednn',
      'blas',
    ]);
  },
);

it('inspects every kind, and throws for none that is absent', async () => {
  const reports = await inspectAccelerators();
  expect(reports.map(({ name }) => name)).toEqual(acceleratorNames);
  expect(reports.find(({ name }) => name === 'threads')?.absence).toContain('one is asked for');
  const [several] = (await inspectAccelerators({ threads: 2 })).filter(({ name }) => name === 'threads');
  expect(several).toEqual({ name: 'threads', library: null, absence: null, remedy: null });
  await expect(inspectAccelerators({ threads: 0 })).rejects.toThrow('inspectAccelerators()');
});

it('that cannot be had leave those that there are', async () => {
  await useAccelerators(['threads'], { threads: 2 });
  const before = acceleratorsOf(backend());
  await expect(useAccelerators(['blas:/no/such/library'])).rejects.toThrow(AcceleratorError);
  await expect(useAccelerators(['threads'])).rejects.toThrow(
    'The accelerator threads cannot be had, as it divides work among several threads, and one is asked for: ask for 2 or more',
  );
  expect(acceleratorsOf(backend())).toBe(before);
  await useAccelerators('off');
});

describe('a list of accelerators', () => {
  it('may name a library after a colon, which may have colons of its own', () => {
    expect(parseList(['threads', 'blas:C:\\openblas.dll'])).toEqual([
      { name: 'threads', library: null },
      { name: 'blas', library: 'C:\\openblas.dll' },
    ]);
  });

  it.each([
    [['bals'], "There is no accelerator 'bals'; did you mean blas? There are onednn, blas, threads"],
    [['threads', 'blas', 'blas:libopenblas.so.0'], 'The accelerator blas is given twice: give it once'],
    [['auto'], "'auto' is no accelerator: it stands alone, in the place of a list"],
    [['threads:4'], "The accelerator threads has no library to choose: leave out ':4'"],
    [['blas:'], "'blas:' names no library: give its path or file name after the colon"],
  ])('%s is refused', async (list, message) => {
    await expect(findAccelerators(list)).rejects.toThrow(new AcceleratorError(message));
  });

  it('is a list', async () => {
    await expect(findAccelerators('blas' as never)).rejects.toThrow(
      "Accelerators are 'auto', 'off' or a list of names, not 'blas' (a string)",
    );
  });
});

describe('what is asked for', () => {
  it.each<[unknown, string]>([
    [undefined, "Accelerators are 'auto', 'off' or a list of names, not undefined"],
    [{ blas: true }, 'not an object of blas'],
    [['blas', 3], "not ['blas', 3] (an array)"],
  ])('%j is no choice', async (choice, message) => {
    await expect(findAccelerators(choice as never)).rejects.toThrow(message);
    await expect(useAccelerators(choice as never)).rejects.toThrow(message);
  });

  it('has options that there are', async () => {
    await expect(findAccelerators('auto', { thread: 2 } as never)).rejects.toThrow(
      "findAccelerators() has no option 'thread': did you mean threads?",
    );
    await expect(useAccelerators('auto', 2 as never)).rejects.toThrow(
      'useAccelerators() takes an object of options (threads), it is given 2',
    );
  });

  it('is told of by what was found', () => {
    expect(() => describeAccelerator(undefined as never)).toThrow(
      'describeAccelerator(): report = undefined, and is to be an entry of what findAccelerators()',
    );
  });
});

describe('work', () => {
  it('is offered to each in turn, and done in wasm where none takes it', async () => {
    const offered: string[] = [];
    const declining = (name: string) => ({
      multiply: () => {
        offered.push(name);
        return false;
      },
    });
    attachAccelerators(backend(), [declining('first'), {}, declining('second')]);
    expect([...tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync())]).toEqual([11]);
    expect(offered).toEqual(['first', 'second']);
    await useAccelerators('off');
  });
});

it.skipIf(libraries.length === 0)('leave memory alone that threads share', async () => {
  tf.removeBackend('wasm');
  const wasmMemory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  tf.registerBackend('wasm', () => ({ wasm: { wasmMemory } }) as never);
  const absence = 'the memory of the wasm backend is shared between threads';
  const shared = (await useAccelerators('auto')).filter(({ name }) =>
    libraries.some((each) => each.name === name),
  );
  expect(shared).toEqual(libraries.map(({ name }) => ({ name, library: null, absence, remedy: null })));
  const [{ name }] = libraries as [(typeof libraries)[number]];
  await expect(useAccelerators([name])).rejects.toThrow(
    `The accelerator ${name} cannot be had, as ${absence}`,
  );
});
