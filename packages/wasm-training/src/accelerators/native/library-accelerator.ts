// What accelerators that call a library of the machine have in common: how the library is found, and when it cannot serve.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import {
  AcceleratorError,
  type Absence,
  type Accelerator,
  type AcceleratorKind,
  type AcceleratorLibrary,
  type AcceleratorRequest,
  type FoundAccelerator,
} from '../accelerator.js';
import { firstThatServes, loadKoffi, type Koffi } from './koffi.js';

export interface LibraryAccelerator<Opened extends { readonly library: AcceleratorLibrary }> {
  /** What it is called in messages: 'BLAS'. */
  readonly name: string;
  /** @throws AcceleratorError if the library cannot serve */
  open(koffi: Koffi, path: string): Opened;
  /** File names and paths of the usual libraries, the best first. */
  candidates(): readonly string[];
  /** The command that brings one to this system. */
  installCommand(): string;
  /** Does not fail: what can is part of opening it. */
  start(backend: WasmBackend, opened: Opened, threads: number): Accelerator;
}

export function libraryAccelerator<Opened extends { readonly library: AcceleratorLibrary }>(
  kind: LibraryAccelerator<Opened>,
): AcceleratorKind {
  // A library stays loaded as long as the process runs, and so does what it is asked to make when it is opened.
  const opened = new Map<string, Opened>();
  const open = (koffi: Koffi, path: string): Opened => {
    const library = opened.get(path) ?? kind.open(koffi, path);
    opened.set(path, library);
    return library;
  };
  return { takesLibrary: true, find: (request) => findLibrary({ ...kind, open }, request) };
}

async function findLibrary<Opened extends { readonly library: AcceleratorLibrary }>(
  kind: LibraryAccelerator<Opened>,
  { library, threads, backend }: AcceleratorRequest,
): Promise<FoundAccelerator | Absence> {
  const koffi = await loadKoffi();
  if (typeof koffi === 'string') {
    if (library === null) return { absence: koffi, remedy: 'npm install koffi' };
    throw new AcceleratorError(
      `The ${kind.name} library ${library} is called through koffi, and ${koffi}: npm install koffi`,
    );
  }
  const open = (path: string) => kind.open(koffi, path);
  const opened = library === null ? firstThatServes(kind.candidates(), open) : open(library);
  if (!opened) return { absence: `no ${kind.name} library was found`, remedy: kind.installCommand() };
  if (backend && !(memoryOf(backend).buffer instanceof ArrayBuffer)) {
    return { absence: 'the memory of the wasm backend is shared between threads', remedy: null };
  }
  return { library: opened.library, start: (started) => kind.start(started, opened, threads) };
}
