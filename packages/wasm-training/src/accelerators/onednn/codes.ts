// The codes that oneDNN has for one thing, by their names: it takes the first that serves, and can be asked for the others.

import type { Koffi } from '../native/koffi.js';
import { POINTER, POINTER_TO, SUCCESS, type Address, type Calls } from './calls.js';

export interface Codes {
  /** The name of the code that a description has: 'ref:any' is the slow one of the last resort. */
  codeOf(description: Address): string;
  /**
   * Goes on to the first code whose name begins so; false where there is none, as with version 2 where it is not the first. What
   * the description was made of is still needed.
   */
  takeCode(description: Address, name: string): boolean;
}

const QUERY_CODE = 8;

export function codesOf(koffi: Koffi, { func, version }: Calls): Codes {
  const query = func('primitive_desc_query', 'int', [POINTER, 'int', 'int', POINTER_TO]);
  const next = version === 3 ? func('primitive_desc_next_impl', 'int', [POINTER]) : null;
  const codeOf = (description: Address): string => {
    const text = new BigUint64Array(1);
    if (query(description, QUERY_CODE, 0, text) !== SUCCESS || text[0] === 0n) return '';
    return koffi.decode.string(text[0]);
  };
  return {
    codeOf,
    takeCode(description, name) {
      while (!codeOf(description).startsWith(name)) {
        if (next?.(description) !== SUCCESS) return false;
      }
      return true;
    },
  };
}
