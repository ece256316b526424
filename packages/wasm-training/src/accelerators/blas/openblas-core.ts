// OpenBLAS chooses its kernels by the model of the processor. One that is older than the processor does not know the model, and
// takes the kernels of 2004, which are slower than WebAssembly: 0.3.21 does so on Intel's Emerald Rapids, at a sixth of the speed.

import { readFileSync } from 'node:fs';

/** Kernels of OpenBLAS for processors without AVX. */
const WITHOUT_AVX = new Set(
  [
    ...['Katmai', 'Coppermine', 'Northwood', 'Banias', 'Prescott', 'Core2', 'Penryn', 'Dunnington'],
    ...['Nehalem', 'Atom', 'Athlon', 'Opteron', 'Opteron_SSE3', 'Barcelona', 'Bobcat', 'Nano', 'Unknown'],
  ].map((name) => name.toLowerCase()),
);

/** What they need, the best first. */
const KERNELS = [
  { core: 'SkylakeX', flags: ['avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl', 'fma'] },
  { core: 'Haswell', flags: ['avx2', 'fma'] },
] as const;

/**
 * The kernels that a processor with these flags should have in the place of those that were chosen, or null where those are as
 * good as the flags say.
 *
 * @param chosen as `openblas_get_corename` says it
 * @param flags of the processor, as the system writes them
 */
export function betterCore(chosen: string, flags: ReadonlySet<string>): string | null {
  if (!WITHOUT_AVX.has(chosen.toLowerCase())) return null;
  return KERNELS.find((kernels) => kernels.flags.every((flag) => flags.has(flag)))?.core ?? null;
}

/** The flags of the processor where the system has a file of them: none elsewhere than on Linux. */
export function processorFlags(): ReadonlySet<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
    return new Set(line?.trim().split(/\s+/));
  } catch {
    return new Set();
  }
}
