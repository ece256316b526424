/** The machine that an experiment runs on, in Node or a browser. */
export interface Machine {
  /** Node's version; null in a browser. */
  readonly node: string | null;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
}

/** What of a processor decides how floating-point operations are put together. */
const FEATURES = ['fma', 'avx', 'avx2', 'avx512f', 'avx512_bf16', 'asimd', 'asimdfhm'];

/** What computes to the same bits: a device by its name, a processor by its features, as far as the system tells them. */
export function processorKind({ kind, device }: { readonly kind: string; readonly device: string }): string {
  if (kind !== 'processor') return device;
  const { process } = globalThis as { process?: NodeProcess };
  const fs = process?.getBuiltinModule?.('node:fs');
  if (!process || !fs) return 'a browser';
  const flags = new Set(flagsIn(fs).split(/\s+/));
  return [process.arch, ...FEATURES.filter((feature) => flags.has(feature))].join(' ');
}

function flagsIn({ readFileSync }: typeof import('node:fs')): string {
  try {
    return /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** What we ask of Node, where this is Node. */
interface NodeProcess {
  readonly version: string;
  readonly platform: string;
  readonly arch: string;
  getBuiltinModule?(name: 'node:os'): typeof import('node:os');
  getBuiltinModule?(name: 'node:fs'): typeof import('node:fs');
}

export function thisMachine(): Machine {
  const { process, navigator } = globalThis as {
    process?: NodeProcess;
    navigator?: { userAgent: string; hardwareConcurrency: number };
  };
  // Not imported: a browser's bundle has nothing to resolve.
  const os = process?.getBuiltinModule?.('node:os');
  if (process && os) {
    const processors = os.cpus();
    return {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      processor: processors[0]?.model ?? 'unknown',
      cores: processors.length,
    };
  }
  return {
    node: null,
    platform: navigator?.userAgent ?? 'unknown',
    processor: 'unknown',
    cores: navigator?.hardwareConcurrency ?? 1,
  };
}
