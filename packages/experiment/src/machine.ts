/** The machine that an experiment runs on, in Node or a browser. */
export interface Machine {
  /** Node's version; null in a browser. */
  readonly node: string | null;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
}

/** What we ask of Node, where this is Node. */
interface NodeProcess {
  readonly version: string;
  readonly platform: string;
  readonly arch: string;
  getBuiltinModule?(name: 'node:os'): typeof import('node:os');
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
