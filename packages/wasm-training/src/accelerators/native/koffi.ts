// Libraries of the machine, called through koffi, which is an optional dependency.

import { AcceleratorError } from '../accelerator.js';

/** What is used of koffi. */
export type Koffi = Pick<typeof import('koffi'), 'load' | 'address' | 'decode'>;
export type Handle = ReturnType<Koffi['load']>;

/** koffi, or in words why there is none. */
export async function loadKoffi(): Promise<Koffi | string> {
  try {
    return await import('koffi');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    return missing ? 'koffi is not installed' : `koffi does not load (${message})`;
  }
}

/**
 * @param what it is to be, for the message: 'BLAS'
 * @throws AcceleratorError if it does not load
 */
export function loadLibrary(koffi: Koffi, path: string, what: string): Handle {
  try {
    return koffi.load(path);
  } catch (error) {
    throw new AcceleratorError(`The ${what} library ${path} does not load: ${(error as Error).message}`);
  }
}

/** A function of the library, or null where it has none of this name. */
export function declare(handle: Handle, name: string, result: string, args: string[]) {
  try {
    return handle.func(name, result, args);
  } catch {
    return null;
  }
}

/** The first library of these that loads and can serve, or null. */
export function firstThatServes<T>(paths: readonly string[], open: (path: string) => T): T | null {
  for (const path of paths) {
    try {
      return open(path);
    } catch (error) {
      if (!(error instanceof AcceleratorError)) throw error;
    }
  }
  return null;
}
