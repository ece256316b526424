// How the functions of oneDNN's C API are called: each gives a status, and those that make something write where it is.

import { AcceleratorError } from '../accelerator.js';
import { declare, type Handle } from '../native/koffi.js';

/** The address of an object of the library. */
export type Address = number;

export const POINTER = 'uintptr_t';
export const POINTER_TO = 'void *';

export const SUCCESS = 0;
const UNIMPLEMENTED = 3;

export interface Calls {
  readonly version: 2 | 3;
  /** @throws AcceleratorError where the library has no such function */
  func(name: string, result: string, args: readonly string[]): (...values: unknown[]) => number;
  /** A function that gives a status. */
  checked(name: string, args: readonly string[]): (...values: unknown[]) => void;
  /** A function that writes the address of what it makes to its first argument. */
  making(name: string, args: readonly string[]): (...values: unknown[]) => Address;
}

/** @param version major */
export function callsOf(handle: Handle, version: 2 | 3): Calls {
  const func: Calls['func'] = (name, result, args) => {
    const found = declare(handle, `dnnl_${name}`, result, [...args]);
    if (!found) throw new AcceleratorError(`The oneDNN library has no dnnl_${name}: give version 2 or 3`);
    return found as (...args: unknown[]) => number;
  };
  const checked: Calls['checked'] = (name, args) => {
    const call = func(name, 'int', args);
    return (...values) => {
      const status = call(...values);
      if (status !== SUCCESS) throw new StatusError(name, status);
    };
  };
  return {
    version,
    func,
    checked,
    making(name, args) {
      const call = checked(name, [POINTER_TO, ...args]);
      return (...values) => {
        const made = new BigUint64Array(1);
        call(made, ...values);
        return Number(made[0]);
      };
    },
  };
}

/** A call that gave a status other than success. */
export class StatusError extends AcceleratorError {
  constructor(name: string, status: number) {
    const why = status === UNIMPLEMENTED ? 'has no code for this' : `gave status ${status}`;
    super(`oneDNN: dnnl_${name} ${why}: the accelerators 'off', or a list without onednn, go on without it`);
  }
}

/** What `describe` makes, or null where the library has no code for it. */
export function orNone(describe: () => Address | null): Address | null {
  try {
    return describe();
  } catch (error) {
    if (error instanceof StatusError) return null;
    throw error;
  }
}

export function longs(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values, BigInt);
}
