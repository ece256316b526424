/** Stand-ins, each in a folder of its own: a TensorFlow without code, programs on the PATH, a package of the native backend. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A place with a PATH and a cache of its own, in force from when it is made until it is left. */
export interface Place {
  readonly folder: string;
  /** What the processes have that are started here. */
  readonly environment: Readonly<Record<string, string>>;
  /** Puts a program on the PATH: a script of the shell, which has no other command by its name alone. */
  program(name: string, script: string): void;
  leave(): void;
}

export function enterPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-tensorflow-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['tar', 'gzip']) symlinkSync(onPath(name), join(bin, name));
  const environment = { PATH: bin, XDG_CACHE_HOME: join(folder, 'cache') };
  const others = { CXX: undefined, npm_config_nodedir: undefined };
  const before = Object.keys({ ...environment, ...others }).map((name) => [name, process.env[name]] as const);
  setAll(Object.entries({ ...environment, ...others }));
  return {
    folder,
    environment,
    program(name, script) {
      const path = join(bin, name);
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    },
    leave() {
      setAll(before);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function setAll(variables: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

function onPath(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`The tests need ${name} on the PATH`);
  return found;
}

const MACHINES = { x64: 62, arm64: 183, ppc64: 21 } as const;

/** An ELF header of 64 bits and nothing else: of a library for a processor. */
export function elfHeader(arch: keyof typeof MACHINES): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46, 0);
  header.set([2, 1, 1], 4);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(MACHINES[arch], 18);
  return header;
}

export interface FakeTensorflow {
  readonly arch?: keyof typeof MACHINES;
  readonly headers?: boolean;
  readonly wheel?: string;
  readonly version?: string;
  readonly cuda?: string;
  readonly metadata?: string;
}

/** @returns the folder `tensorflow` that was made in a folder of packages */
export function fakeTensorflow(site: string, wanted: FakeTensorflow = {}): string {
  const { headers = true, wheel = 'tensorflow_cpu', version = '2.21.0', cuda, metadata = '' } = wanted;
  const { arch = process.arch as 'x64' | 'arm64' } = wanted;
  const folder = join(site, 'tensorflow');
  const description = join(site, `${wheel}-${version}.dist-info`);
  mkdirSync(join(folder, 'include/tensorflow/c'), { recursive: true });
  mkdirSync(join(folder, 'python/platform'), { recursive: true });
  mkdirSync(description, { recursive: true });
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    writeFileSync(join(folder, name), elfHeader(arch));
  }
  if (headers) writeFileSync(join(folder, 'include/tensorflow/c/c_api.h'), '');
  const build = `build_info = collections.OrderedDict([('cuda_version', '${cuda}'), ('is_cuda_build', ${cuda ? 'True' : 'False'})])\n`;
  writeFileSync(join(folder, 'python/platform/build_info.py'), build);
  writeFileSync(join(description, 'METADATA'), metadata);
  return folder;
}

/** A Python whose TensorFlow is in a folder, or which has none; what else it is told to do is `otherwise`. */
export function pythonOf(folder: string | null, otherwise = 'exit 1'): string {
  const answer = JSON.stringify({ version: '3.11.2', folder });
  return `case "$*" in *find_spec*) echo '${answer}' ;; *) ${otherwise} ;; esac`;
}

/** A compiler that writes something where the addon is to be, and does not know what the kernels are written in. */
export const COMPILER = `case "$*" in *kernels.cc*) echo 'error: of another world' >&2; exit 1 ;; esac; while [ "$1" != "-o" ]; do shift; done; echo compiled > "$2"`;

/** tfjs' cpu backend under another name; it asks for all that the real package asks for. */
const PACKAGE = `
const tf = require('@tensorflow/tfjs');
const util = require('util');
const { existsSync } = require('fs');
require('google-protobuf');
require('progress');
const binary = require('@mapbox/node-pre-gyp').find(__dirname);
if (!existsSync(binary)) throw new Error('there is no addon at ' + binary);
if (!util.isNullOrUndefined(null) || !util.isArray([])) throw new Error('util is not that of old');
const threads = process.env.TF_NUM_INTRAOP_THREADS;
if (process.env.FAKE_BREAKS) throw new Error('undefined symbol: TFE_Execute\\nand more');
const kernels = tf.getKernelsForBackend('cpu').map((kernel) => ({ ...kernel, backendName: 'tensorflow' }));
for (const kernel of kernels) {
  const wrong = process.env.FAKE_WRONG === kernel.kernelName;
  const kernelFunc = (call) => {
    const result = kernel.kernelFunc(call);
    call.backend.data.get(result.dataId).values.fill(7);
    return result;
  };
  tf.registerKernel(wrong ? { ...kernel, kernelFunc } : kernel);
}
tf.registerBackend('tensorflow', () => Object.assign(tf.findBackendFactory('cpu')(), {
  isUsingGpuDevice: Boolean(process.env.FAKE_GPU),
  binding: { TF_Version: '2.21.0', threads },
}));
`;

/** An npm that gives a package of every name it is asked for: that of the native backend, with what it needs. */
export function npmIn({ folder }: Place): string {
  const content = join(folder, 'npm/package');
  for (const part of ['dist', 'binding', 'include']) mkdirSync(join(content, part), { recursive: true });
  const dependencies = { 'google-protobuf': '^3.9.2', progress: '^2.0.0' };
  const description = { name: 'given', version: '4.22.0', main: 'dist/index.js', dependencies };
  writeFileSync(join(content, 'package.json'), JSON.stringify(description));
  // As the needed packages are the same one, it must not ask for itself for ever.
  writeFileSync(join(content, 'dist/index.js'), `if (!__dirname.includes('/node_modules/')) { ${PACKAGE} }`);
  writeFileSync(join(content, 'include/node_api.h'), '');
  const tarball = join(folder, 'npm/package.tgz');
  execFileSync('tar', ['-czf', tarball, '-C', join(folder, 'npm'), 'package']);
  return `/bin/cp '${tarball}' "$4/package.tgz"`;
}
