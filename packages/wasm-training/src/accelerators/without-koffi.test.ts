import { expect, it, vi } from 'vitest';

import { describeAccelerator, findAccelerators } from './index.js';

vi.mock(import('./native/koffi.js'), async (original) => ({
  ...(await original()),
  loadKoffi: async () => 'koffi is not installed',
}));

const absent = {
  library: null,
  absence: 'koffi is not installed',
  remedy: 'npm install koffi',
} as const;
const blas = { name: 'blas', ...absent } as const;
const onednn = { name: 'onednn', ...absent } as const;

it('auto says what is missing, and takes threads of our own where more than one is allowed', async () => {
  expect(await findAccelerators('auto')).toEqual([onednn, blas]);
  expect(describeAccelerator(blas)).toBe('none: koffi is not installed; npm install koffi');
  const threads = { name: 'threads', library: null, absence: null, remedy: null };
  expect(await findAccelerators('auto', { threads: 2 })).toEqual([onednn, blas, threads]);
});

it('a library that was asked for is an error that says what to do', async () => {
  await expect(findAccelerators(['blas'])).rejects.toThrow(
    'The accelerator blas cannot be had, as koffi is not installed: npm install koffi',
  );
  await expect(findAccelerators(['blas:libopenblas.so.0'])).rejects.toThrow(
    'The BLAS library libopenblas.so.0 is called through koffi, and koffi is not installed: npm install koffi',
  );
  await expect(findAccelerators(['onednn:libdnnl.so.3'])).rejects.toThrow(
    'The oneDNN library libdnnl.so.3 is called through koffi, and koffi is not installed: npm install koffi',
  );
});
