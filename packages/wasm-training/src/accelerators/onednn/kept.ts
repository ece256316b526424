// Primitives of oneDNN are made once a shape and kept, the least used going first.

/** What is made for a shape. */
export interface Kept {
  release(): void;
}

export interface KeptPrimitives {
  /** What is kept under a key, or made now; null where that has been tried and the library has none. */
  find<Ready extends Kept>(key: string, make: () => Ready | null): Ready | null;
  clear(): void;
}

/** More shapes than these are not kept: each takes some tens of kilobytes. */
const KEPT_SHAPES = 512;

/** Keys tell what is kept under them: the same key is asked for with the same `make`. */
export function keptPrimitives(most = KEPT_SHAPES): KeptPrimitives {
  const kept = new Map<string, Kept | null>();
  return {
    find<Ready extends Kept>(key: string, make: () => Ready | null) {
      let ready = kept.get(key) as Ready | null | undefined;
      if (ready === undefined) ready = make();
      else kept.delete(key);
      kept.set(key, ready);
      if (kept.size > most) {
        const [oldest, evicted] = kept.entries().next().value!;
        evicted?.release();
        kept.delete(oldest);
      }
      return ready;
    },
    clear() {
      for (const ready of kept.values()) ready?.release();
      kept.clear();
    },
  };
}
