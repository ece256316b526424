/** Compiles the addon of the npm package against a TensorFlow. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { BackendError } from '../choice.js';
import { binaryIn, kernelsIn, kernelSources, nativeFolders, NODE_API, noRoom } from './cache.js';
import { includeOf, librariesOf } from './library.js';
import { complaintOf, isOfFullDisk, run, type Ended } from './run.js';

const SOURCES = ['tfjs_backend.cc', 'tfjs_binding.cc'];

export interface Compilation {
  /** The npm package, with `binding/` in it. */
  readonly packageFolder: string;
  /** Of the TensorFlow: where its libraries and headers are, and stay. */
  readonly tensorflowFolder: string;
  /** The folder of `node_api.h`. */
  readonly headers: string;
}

/**
 * Some ten seconds. The addon finds TensorFlow's libraries where they lie.
 *
 * @returns the compiler's command
 * @throws BackendError, one line, when there is no compiler, or it fails
 */
export async function compile(
  { packageFolder, tensorflowFolder, headers }: Compilation,
  signal?: AbortSignal,
): Promise<string> {
  const binary = binaryIn(packageFolder);
  await mkdir(dirname(binary), { recursive: true });
  return compiled(
    [
      ...['-O2', `-DNAPI_VERSION=${NODE_API}`],
      ...including(packageFolder, join(packageFolder, 'binding'), includeOf(tensorflowFolder), headers),
      ...SOURCES.map((source) => join(packageFolder, 'binding', source)),
      ...linkedTo(tensorflowFolder, binary),
    ],
    binary,
    'the addon',
    signal,
  );
}

/**
 * Compiles our own kernels for the same TensorFlow, some seven seconds: what is computed without them is right, and slower.
 *
 * @returns why there are none, one line; null where they are there
 */
export async function compileKernels(
  { packageFolder, tensorflowFolder }: Omit<Compilation, 'headers'>,
  signal?: AbortSignal,
): Promise<string | null> {
  const binary = kernelsIn(packageFolder);
  const args = [
    // What is vectorised may not stop to set `errno`.
    ...['-O3', '-fno-math-errno'],
    ...including(includeOf(tensorflowFolder), ...nativeFolders),
    ...kernelSources(),
    ...linkedTo(tensorflowFolder, binary),
  ];
  try {
    await compiled([...args, '-lpthread'], binary, 'them', signal);
    return null;
  } catch (error) {
    if (!(error instanceof BackendError) || error.message === noRoom().message) throw error;
    return error.message;
  }
}

const including = (...folders: readonly string[]) => folders.flatMap((folder) => ['-I', folder]);

const linkedTo = (tensorflowFolder: string, binary: string) => [
  ...librariesOf(tensorflowFolder),
  // A comma in a folder's name would end an argument of -Wl.
  ...['-Xlinker', '-rpath', '-Xlinker', tensorflowFolder],
  ...['-o', binary],
];

async function compiled(
  own: readonly string[],
  binary: string,
  what: string,
  signal?: AbortSignal,
): Promise<string> {
  const args = ['-std=c++17', '-fPIC', '-shared', '-w', ...own];
  for (const compiler of compilers()) {
    const [program = '', ...options] = compiler.split(' ');
    // What it writes on the way goes where there is to be room anyway.
    const ended = await run(program, [...options, ...args], {
      environment: { TMPDIR: dirname(binary) },
      signal,
    });
    if (!ended) continue;
    if (ended.code === 0) return compiler;
    throw failed(compiler, ended, what);
  }
  throw new BackendError(
    `The addon is compiled, and there is no C++ compiler (${compilers().join(', ')}): apt-get install g++, or let CXX name one`,
  );
}

function compilers(): string[] {
  const named = process.env['CXX']?.trim();
  return named ? [named] : ['g++', 'c++', 'clang++'];
}

function failed(compiler: string, ended: Ended, what: string): BackendError {
  if (isOfFullDisk(ended.stderr)) return noRoom();
  return new BackendError(
    `${compiler} does not compile ${what} (${complaintOf(ended)}): it takes a compiler of C++17, such as g++ 9 or later, ` +
      'and a TensorFlow of 2.15 to 2.21',
  );
}
