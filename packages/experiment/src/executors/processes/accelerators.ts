/** What multiplies faster than the wasm backend alone: found, described and attached. */
import { availableParallelism } from 'node:os';

import { findBlas, useBlas, BlasError, type BlasLibrary } from '@espalier/wasm-training/blas';
import { useThreads } from '@espalier/wasm-training/threads';

export interface AcceleratorReport {
  readonly name: 'blas' | 'threads';
  readonly library: BlasLibrary | null;
  /** Why it is not used; null of one that is. */
  readonly absence: string | null;
  /** The command that mends it, where one does. */
  readonly remedy: string | null;
}

/** `auto`, `off`, or names; `blas:<path>` is a library by its path. */
export type AcceleratorChoice = 'auto' | 'off' | readonly string[];

/** One that was asked for by its name is not there. The message is one line. */
export class AcceleratorError extends Error {
  override readonly name = 'AcceleratorError';
}

interface AcceleratorOptions {
  readonly threads?: number;
}

/** Says which would be used, and uses none. */
export async function findAccelerators(
  choice: AcceleratorChoice,
  options: AcceleratorOptions = {},
): Promise<AcceleratorReport[]> {
  return reports(choice, options, findBlas);
}

/** Attaches them to the started wasm backend. */
export async function useAccelerators(
  choice: AcceleratorChoice,
  options: AcceleratorOptions = {},
): Promise<AcceleratorReport[]> {
  const found = await reports(choice, options, (blas) => useBlas(blas, options));
  const [, threads] = found;
  if (threads?.absence === null) await useThreads(options.threads);
  return found;
}

async function reports(
  choice: AcceleratorChoice,
  { threads = 1 }: AcceleratorOptions,
  blasOf: typeof findBlas,
): Promise<AcceleratorReport[]> {
  assertKnown(choice);
  const asked = typeof choice === 'string' ? [] : choice;
  const path = asked.find((name) => name.startsWith('blas:'))?.slice('blas:'.length);
  const wanted = (name: string) => choice === 'auto' || asked.includes(name);
  const blas = await blasOf(path ?? (wanted('blas') ? 'auto' : 'off')).catch((error: unknown) => {
    if (error instanceof BlasError) throw new AcceleratorError(error.message);
    throw error;
  });
  if (asked.includes('blas') && blas.absence !== null) {
    throw new AcceleratorError(`No BLAS: ${blas.absence}${blas.remedy ? `; ${blas.remedy}` : ''}`);
  }
  const absence = !wanted('threads')
    ? 'switched off'
    : threads > 1
      ? null
      : `one thread a trial of ${availableParallelism()} cores`;
  return [
    { name: 'blas', ...blas },
    { name: 'threads', library: null, absence, remedy: null },
  ];
}

function assertKnown(choice: AcceleratorChoice): void {
  if (typeof choice === 'string') return;
  const unknown = choice.find((name) => !/^(blas(:.+)?|threads)$/.test(name));
  if (unknown === undefined) return;
  throw new AcceleratorError(`Unknown accelerator '${unknown}': choose auto, off, or of blas, threads`);
}
