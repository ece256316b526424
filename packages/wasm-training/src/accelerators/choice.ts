// How accelerators are asked for: 'auto', 'off', or a list of names, each with a library after a colon where it takes one.

import { closest } from 'fastest-levenshtein';

import { AcceleratorError, type AcceleratorKind } from './accelerator.js';
import { blas } from './blas/index.js';
import { onednn } from './onednn/index.js';
import { threads } from './threads/index.js';

/** Every accelerator by its name. */
export const KINDS = { onednn, blas, threads } as const satisfies Record<string, AcceleratorKind>;

export type AcceleratorName = keyof typeof KINDS;

export const acceleratorNames = Object.keys(KINDS) as readonly AcceleratorName[];

/** `auto`: what is here and known to be faster. A list of names; `blas` and `onednn` may name a library: `blas:<path or file name>`. */
export type AcceleratorChoice = 'auto' | 'off' | readonly string[];

export interface AskedAccelerator {
  readonly name: AcceleratorName;
  readonly library: string | null;
}

/**
 * What a list asks for, in its order.
 *
 * @throws AcceleratorError for a name that is unknown, given twice, or has a library that it does not take
 */
export function parseList(entries: readonly string[]): AskedAccelerator[] {
  const asked = entries.map(parseEntry);
  const twice = asked.find(({ name }, i) => asked.findIndex((other) => other.name === name) < i);
  if (twice) throw new AcceleratorError(`The accelerator ${twice.name} is given twice: give it once`);
  return asked;
}

function parseEntry(entry: string): AskedAccelerator {
  const colon = entry.indexOf(':');
  const text = colon < 0 ? entry : entry.slice(0, colon);
  const library = colon < 0 ? null : entry.slice(colon + 1);
  if (text === 'auto' || text === 'off') {
    throw new AcceleratorError(`'${text}' is no accelerator: it stands alone, in the place of a list`);
  }
  const name = acceleratorNames.find((known) => known === text);
  if (!name) {
    throw new AcceleratorError(
      `There is no accelerator '${text}'; did you mean ${closest(text, [...acceleratorNames])}? ` +
        `There are ${acceleratorNames.join(', ')}`,
    );
  }
  if (library === null) return { name, library };
  if (!KINDS[name].takesLibrary) {
    throw new AcceleratorError(`The accelerator ${name} has no library to choose: leave out ':${library}'`);
  }
  if (library === '') {
    throw new AcceleratorError(`'${entry}' names no library: give its path or file name after the colon`);
  }
  return { name, library };
}
