/**
 * How many copies of this package are loaded. What one copy makes (a run, a kernel's state, a registered op) the other
 * does not know; npm installs two where a strategy asks for another version than the application does.
 */
import * as tf from '@tensorflow/tfjs';

const COPIES = Symbol.for('@espalier/core: copies');

interface Loaded {
  /** Where each copy was loaded from, as far as the runtime tells. */
  readonly copies: string[];
  said: boolean;
}

const loaded = ((globalThis as Record<symbol, unknown>)[COPIES] ??= { copies: [], said: false }) as Loaded;
loaded.copies.push((import.meta as { url?: string }).url ?? 'a bundle');

/** Warns, once, where more than one copy is loaded. */
export function warnOfOtherCopies(): void {
  if (loaded.said || loaded.copies.length === 1) return;
  loaded.said = true;
  tf.backend_util.warn(
    `@espalier/core is loaded ${loaded.copies.length} times (${loaded.copies.join(', ')}). A strategy and sparsify() are to ` +
      'share one: npm ls @espalier/core shows who asks for which version, npm dedupe or an update of the strategy mends it',
  );
}
