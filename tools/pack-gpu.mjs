/**
 * Packs the harness, the GPU benchmark and all they need into one archive, which runs on an x86-64 Linux machine with
 * a GPU driver and nothing else: no npm, no network, no Node.
 *
 *   npm run pack:gpu [-- --data <folder>] [--check] [--out build/espalier-gpu.tar.xz]
 *
 * Files keep the places that they have under node_modules, so that nothing of how they find one another changes; esbuild
 * tells which of them can be reached. `--check` unpacks the archive and runs it (check.mjs).
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { checkArchive } from './pack-gpu/check.mjs';
import { reachable } from './pack-gpu/reachable.mjs';

const root = resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    check: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'build/espalier-gpu.tar.xz') },
  },
});

/** The benchmark's files: those of `benchmarks/` whose names begin so, and what it shares with other benchmarks. */
const BENCHMARK = /^gpu.*\.(mjs|py)$/;
const SHARED = ['command-line.mjs', 'peers/peers.mjs'];

/** Loaded by names that are put together at run time, which no tracing finds. */
const WHOLE_PACKAGES = [
  ...['jiti', '@koromix/koffi-linux-x64'],
  ...['@img/sharp-linux-x64', '@img/sharp-libvips-linux-x64'],
].filter(isInstalled);
const LOADED_BY_NAME = [
  'webgpu',
  '@tensorflow/tfjs-backend-webgpu',
  '@tensorflow/tfjs-backend-wasm',
  'koffi',
  'sharp',
].filter(isInstalled);
const DAWN = 'node_modules/webgpu/dist/linux-x64/dawn.node';
const WASM_FOLDER = 'node_modules/@tensorflow/tfjs-backend-wasm/dist';

/** What Node, the Vulkan loader and NVIDIA's driver link to or load, that a bare machine may lack. */
const LIBRARIES = [
  ...['libstdc++.so.6', 'libgcc_s.so.1', 'libvulkan.so.1', 'libEGL.so.1', 'libGLdispatch.so.0'],
  ...[
    'libX11.so.6',
    'libXext.so.6',
    'libxcb.so.1',
    'libXau.so.6',
    'libXdmcp.so.6',
    'libbsd.so.0',
    'libmd.so.0',
  ],
];

if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail(`The archive holds this machine's Node, for ${process.platform} ${process.arch}: pack on Linux, x64`);
}
if (!existsSync(join(root, DAWN))) fail(`${DAWN} is missing: npm install webgpu`);
if (options.data !== undefined && !existsSync(options.data)) fail(`${options.data} does not exist`);

const archive = resolve(options.out);
const folder = join(root, 'build/espalier-gpu');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const packages = workspacePackages(['espalier', '@espalier/benchmarks']);
for (const location of packages.values()) copyPackage(location);
const entries = [...[...packages.values()].flatMap(entriesOf), ...LOADED_BY_NAME];
for (const file of await reachable(root, entries)) copyWithManifest(file);
for (const name of WHOLE_PACKAGES) copy(join('node_modules', name));
for (const file of readdirSync(join(root, WASM_FOLDER)).filter((name) => name.endsWith('.wasm'))) {
  copy(join(WASM_FOLDER, file));
}
copyStripped(join(root, DAWN), join(folder, DAWN));
copyStripped(process.execPath, join(folder, 'node'));
for (const library of LIBRARIES) copyLibrary(library);
const own = readdirSync(join(root, 'benchmarks')).filter((name) => BENCHMARK.test(name));
for (const file of [...own, ...SHARED]) copy(join('benchmarks', file));
cpSync(join(root, 'tools/pack-gpu'), folder, {
  recursive: true,
  filter: (path) => !path.endsWith('.mjs'),
});
copy('LICENSE');
if (options.data !== undefined)
  cpSync(options.data, join(folder, 'data'), { recursive: true, dereference: true });

mkdirSync(dirname(archive), { recursive: true });
// A filter for machine code (--x86) before the compression saves a tenth.
execFileSync(
  'tar',
  [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '-cf',
    archive,
    '-I',
    'xz -T0 --x86 --lzma2=preset=6',
    basename(folder),
  ],
  {
    cwd: dirname(folder),
    stdio: 'inherit',
  },
);
const megabytes = (statSync(archive).size / 1e6).toFixed(1);
process.stdout.write(`${relative(process.cwd(), archive)}: ${megabytes} MB\n`);
rmSync(folder, { recursive: true });
if (options.check) checkArchive(archive);

function isInstalled(name) {
  return existsSync(join(root, 'node_modules', name));
}

/** The folders, by name, of workspace packages and of all that they depend on. */
function workspacePackages(names) {
  const found = new Map();
  const visit = (name) => {
    if (found.has(name)) return;
    const location = relative(root, realpathSync(join(root, 'node_modules', name)));
    found.set(name, location);
    const { dependencies, peerDependencies } = manifestOf(location);
    Object.keys({ ...dependencies, ...peerDependencies })
      .filter((dependency) => /^(@espalier\/|espalier$)/.test(dependency))
      .forEach(visit);
  };
  names.forEach(visit);
  return found;
}

function manifestOf(location) {
  return JSON.parse(readFileSync(join(root, location, 'package.json'), 'utf8'));
}

/** Where a file of the checkout lies in the archive: workspace packages under node_modules, as npm would install them. */
function placeOf(file) {
  const [name, location] = [...packages].find(([, location]) => file.startsWith(`${location}/`)) ?? [];
  return name && name !== '@espalier/benchmarks'
    ? join('node_modules', name, relative(location, file))
    : file;
}

function copy(path) {
  cpSync(join(root, path), join(folder, placeOf(path)), { recursive: true });
}

/** Everything that a workspace package publishes, but what is for compilers. */
function copyPackage(location) {
  if (location === 'benchmarks') return;
  for (const part of ['package.json', 'LICENSE', ...(manifestOf(location).files ?? [])]) {
    const source = join(root, location, part);
    if (!existsSync(source)) continue;
    cpSync(source, join(folder, placeOf(join(location, part))), {
      recursive: true,
      filter: (path) => !/\.(d\.ts|map|tsbuildinfo)$/.test(path),
    });
  }
}

/** All modules of a workspace package, since some are started by path. */
function entriesOf(location) {
  const dist = join(root, location, 'dist');
  if (location === 'benchmarks') {
    return readdirSync(join(root, location))
      .filter((name) => /^gpu.*\.mjs$/.test(name))
      .map((name) => join(location, name));
  }
  return readdirSync(dist, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(location, 'dist', name));
}

/** A file, and the package.json that says how Node is to read it. */
function copyWithManifest(file) {
  copy(file);
  for (let at = dirname(file); basename(at) !== 'node_modules'; at = dirname(at)) {
    for (const name of ['package.json', 'LICENSE', 'LICENSE.txt', 'LICENSE.md']) {
      if (existsSync(join(root, at, name)) && !existsSync(join(folder, at, name))) copy(join(at, name));
    }
  }
}

function copyStripped(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
  chmodSync(to, 0o755);
  execFileSync('strip', ['--strip-unneeded', to]);
}

/** Where this machine has it. */
function copyLibrary(name) {
  const line = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' })
    .split('\n')
    .find((text) => text.trim().startsWith(`${name} (libc6,x86-64)`));
  const path = line?.split(' => ')[1];
  if (!path) {
    process.stdout.write(`${name} is not on this machine and not packed: a server needs its own\n`);
    return;
  }
  copyStripped(path, join(folder, 'lib', name, name));
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(2);
}
