/**
 * The npm package whose addon it is: `@tensorflow/tfjs-node-gpu`, or `tfjs-node`. What it computes with are two C++ files,
 * which it brings, and which hold for any TensorFlow; its own install script, which wants another, is not run.
 */
import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { takePackage } from './npm.js';

export const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** What is taken from npm where neither is installed: npm takes an optional package away whose script failed. */
const TAKEN = { name: tensorflowPackages[0], version: '4.22.0' };

/**
 * What its JavaScript asks for, beside tfjs and what it is given in the place of node-pre-gyp; other dependencies are its
 * install script's.
 */
const NEEDED = ['google-protobuf', 'progress'];

/** What of it is needed; not the library that its own script may have downloaded. */
const PARTS = ['package.json', 'dist', 'binding'];

export interface Binding {
  readonly name: string;
  readonly version: string;
  /** Where it is installed; null where npm is to give it. */
  readonly folder: string | null;
}

/** The installed package, or else the one that npm is to give. */
export async function findBinding(): Promise<Binding> {
  for (const name of tensorflowPackages) {
    const folder = folderOf(name, import.meta.url);
    if (folder === null || !existsSync(join(folder, 'binding'))) continue;
    return { name, version: (await readDescription(folder)).version, folder };
  }
  return { ...TAKEN, folder: null };
}

/** Puts the package and what it needs into a folder, which then stands by itself. */
export async function takeBinding(binding: Binding, into: string, signal?: AbortSignal): Promise<void> {
  const { name, version, folder } = binding;
  if (folder === null) await takePackage(`${name}@${version}`, into, signal);
  else for (const part of PARTS) await cp(join(folder, part), join(into, part), { recursive: true });
  const { dependencies } = await readDescription(into);
  for (const needed of NEEDED) {
    const place = join(into, 'node_modules', needed);
    const installed = folder === null ? null : folderOf(needed, join(folder, 'package.json'));
    if (installed !== null) await cp(installed, place, { recursive: true });
    else await takePackage(`${needed}@${dependencies[needed] ?? 'latest'}`, place, signal);
  }
}

/** Where a package lies, as a module sees it. */
function folderOf(name: string, from: string): string | null {
  try {
    return dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

async function readDescription(folder: string) {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
}
