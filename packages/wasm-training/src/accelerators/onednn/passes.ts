// A primitive of oneDNN that goes over tensors as they lie, ready for any tensors of one shape.

import { ARGUMENT, argumentsOf, type OneDnnApi } from './api.js';
import type { Address } from './calls.js';
import type { Kept } from './kept.js';

export interface ReadyPass extends Kept {
  /**
   * @param addresses of the tensors, in the order that the pass was made with
   * @param workspace the address of so many bytes, until the next call
   */
  run(addresses: readonly Address[], workspace: (bytes: number) => Address): void;
}

/** @param tensors their numbers as arguments, and their layouts */
export function readyPass(
  api: OneDnnApi,
  description: Address,
  tensors: readonly (readonly [argument: number, layout: Address])[],
): ReadyPass {
  const scratchLayout = api.layoutOf(description, ARGUMENT.scratchpad);
  const scratchBytes = scratchLayout === 0 ? 0 : api.bytesOf(scratchLayout);
  const memories = tensors.map(([, layout]) => api.memory(layout));
  const scratch = scratchBytes > 0 ? api.memory(scratchLayout) : 0;
  const primitive = api.primitive(description);
  const given = [
    ...tensors.map(([argument], i) => [argument, memories[i]!] as const),
    ...(scratch !== 0 ? [[ARGUMENT.scratchpad, scratch] as const] : []),
  ];
  const args = argumentsOf(given);
  return {
    run(addresses, workspace) {
      for (const [i, memory] of memories.entries()) api.place(memory, addresses[i]!);
      if (scratch !== 0) api.place(scratch, workspace(scratchBytes));
      api.execute(primitive, given.length, args);
    },
    release() {
      api.release({ primitives: [primitive], memories: scratch === 0 ? memories : [...memories, scratch] });
    },
  };
}
