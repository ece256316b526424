// Where BLAS libraries lie. Names without a folder are left to the system's loader.

import { existsSync } from 'node:fs';

/**
 * File names and paths to try, the best first. Only libraries that are known to be fast: the reference BLAS
 * (`libblas.so.3`) is slower than the WebAssembly it would replace.
 */
export function candidates(platform: NodeJS.Platform, arch: string, env: NodeJS.ProcessEnv): string[] {
  const names = NAMES[platform] ?? [];
  const separator = platform === 'win32' ? '\\' : '/';
  const inFolders = foldersOf(platform, arch, env).flatMap((folder) =>
    names.map((name) => `${folder}${separator}${name}`),
  );
  return [...(SYSTEM[platform] ?? []), ...names, ...inFolders];
}

/** What belongs to the system. */
const SYSTEM: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ['/System/Library/Frameworks/Accelerate.framework/Accelerate'],
};

const NAMES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: [
    ...['libopenblas.so.0', 'libopenblasp.so.0', 'libopenblas.so.3', 'libopenblas.so'],
    ...['libmkl_rt.so.2', 'libmkl_rt.so.1', 'libmkl_rt.so'],
    ...['libblis.so.4', 'libblis.so.3', 'libblis.so'],
  ],
  darwin: ['libopenblas.dylib', 'libmkl_rt.2.dylib', 'libblis.dylib'],
  win32: ['libopenblas.dll', 'openblas.dll', 'mkl_rt.2.dll', 'mkl_rt.1.dll', 'libblis.dll', 'libblis.4.dll'],
};

/** Folders that the loader does not search by itself. */
function foldersOf(platform: NodeJS.Platform, arch: string, env: NodeJS.ProcessEnv): string[] {
  const conda = env['CONDA_PREFIX'];
  const mkl = env['MKLROOT'];
  if (platform === 'win32') {
    return [...(conda ? [`${conda}\\Library\\bin`] : []), ...(mkl ? [`${mkl}\\bin`] : [])];
  }
  const common = [...(conda ? [`${conda}/lib`] : []), ...(mkl ? [`${mkl}/lib`, `${mkl}/lib/intel64`] : [])];
  if (platform === 'darwin')
    return [...common, '/opt/homebrew/opt/openblas/lib', '/usr/local/opt/openblas/lib'];
  const debian = `/usr/lib/${MULTIARCH[arch] ?? arch}-linux-gnu`;
  return [
    ...common,
    ...['openblas-pthread', 'openblas-openmp', 'openblas-serial'].map((build) => `${debian}/${build}`),
    ...['blis-pthread', 'blis-openmp', 'blis-serial'].map((build) => `${debian}/${build}`),
    '/opt/intel/oneapi/mkl/latest/lib',
  ];
}

/** Debian's names of Node's architectures. */
const MULTIARCH: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The command that brings a BLAS to this system. */
export function installCommand(platform: NodeJS.Platform): string {
  if (platform === 'win32') {
    return 'conda install -c conda-forge openblas, or give the path of an openblas.dll';
  }
  if (platform === 'darwin') return 'brew install openblas';
  const known = INSTALLERS.find(([installer]) => existsSync(installer));
  return known?.[1] ?? 'install OpenBLAS with the package manager of your system';
}

const INSTALLERS = [
  ['/usr/bin/apt-get', 'apt-get install libopenblas0-pthread'],
  ['/usr/bin/dnf', 'dnf install openblas'],
  ['/sbin/apk', 'apk add openblas'],
  ['/usr/bin/pacman', 'pacman -S openblas'],
  ['/usr/bin/zypper', 'zypper install libopenblas_pthreads0'],
] as const;
