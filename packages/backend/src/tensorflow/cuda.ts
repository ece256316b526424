/** What a TensorFlow for CUDA finds on a machine, and what it lacks. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

import { readElf } from './elf.js';
import { librariesOf, type Library } from './library.js';

/** One of NVIDIA's wheels, in whose folder TensorFlow looks for libraries. */
export interface CudaWheel {
  /** Of its folder: `cudnn`. */
  readonly name: string;
  /** As TensorFlow's wheel names it for pip: `nvidia-cudnn-cu12<10.0,>=9.3.0.75`; null where it does not. */
  readonly requirement: string | null;
  /** The libraries that lie there; none where the wheel is missing. */
  readonly libraries: readonly string[];
}

/** NVIDIA's wheels on the run path of a TensorFlow. */
export async function cudaWheels(library: Library): Promise<CudaWheel[]> {
  const elves = await Promise.all(librariesOf(library.folder).map((path) => readElf(path)));
  const paths = elves
    .flatMap((elf) => elf?.runPath ?? [])
    .map((path) => normalize(path.replace('$ORIGIN', library.folder)));
  const requirements = await nvidiaWheelsFor(library);
  // The same wheel is looked for in several places.
  const places = new Map<string, Set<string>>();
  for (const path of paths) {
    const name = /\/nvidia\/(\w+)\/lib\/?$/.exec(path)?.[1];
    if (name !== undefined) places.set(name, (places.get(name) ?? new Set()).add(path));
  }
  return Promise.all(
    [...places].map(async ([name, folders]) => ({
      name,
      requirement:
        requirements.find((one) => one.startsWith(`nvidia-${name.replaceAll('_', '-')}-cu`)) ?? null,
      libraries: (await Promise.all([...folders].map(librariesIn))).flat().sort(),
    })),
  );
}

async function librariesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((file) => /\.so(\.\d+)*$/.test(file));
}

/** NVIDIA's wheels that TensorFlow's names for CUDA, as pip takes them: `nvidia-cudnn-cu12<10.0,>=9.3.0.75`. */
export async function nvidiaWheelsFor(library: Library): Promise<string[]> {
  const { folder, package: wheel, version } = library;
  const description = join(dirname(folder), `${wheel.replaceAll('-', '_')}-${version}.dist-info`, 'METADATA');
  return requirementsForCuda(await readFile(description, 'utf8').catch(() => ''));
}

/** @param text of a wheel's `METADATA` */
export function requirementsForCuda(text: string): string[] {
  return [...text.matchAll(/^Requires-Dist: (nvidia-[^;]+?) *;.*\bextra *== *["']and-cuda["']/gm)].map(
    ([, requirement = '']) => requirement.replace(/[ ()]/g, ''),
  );
}

/** What TensorFlow's log says of GPUs. */
export interface CudaLog {
  /** `NVIDIA H100 80GB HBM3, compute capability 9.0`. */
  readonly devices: readonly string[];
  readonly opened: readonly string[];
  /** Libraries that it looked for in vain. */
  readonly missing: readonly string[];
  /** Whether it found no driver, or none that has a card. */
  readonly driverless: boolean;
}

export function readCudaLog(log: string): CudaLog {
  const devices = [
    ...log.matchAll(/device: \d+, name: ([^,\n]+), pci bus id: [^,\n]+, compute capability: ([\d.]+)/g),
  ];
  const opened = [...log.matchAll(/Successfully opened dynamic library (\S+)/g)];
  const missing = [...log.matchAll(/Could not load dynamic library '([^']+)'/g)];
  const names = (found: RegExpExecArray[]) => [...new Set(found.map(([, name = '']) => name))];
  return {
    devices: [...new Set(devices.map(([, name, capability]) => `${name}, compute capability ${capability}`))],
    opened: names(opened),
    missing: names(missing),
    driverless: /Could not find cuda drivers|failed call to cuInit|no CUDA-capable device/.test(log),
  };
}

/** Whether Linux has a driver of NVIDIA's in the kernel, or Windows' in WSL. */
export function hasNvidiaDriver(): boolean {
  return existsSync('/dev/nvidiactl') || existsSync('/dev/dxg');
}
