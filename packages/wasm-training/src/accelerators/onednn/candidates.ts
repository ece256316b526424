// Where oneDNN lies. Names without a folder are left to the system's loader. On Windows none is looked for: its threads cannot
// be told how many they may be.

import { existsSync } from 'node:fs';

/** File names and paths to try, the best first: version 3 is faster than 2 in gradients by the filter. */
export function candidates(platform: NodeJS.Platform, arch: string, env: NodeJS.ProcessEnv): string[] {
  const names = NAMES[platform] ?? [];
  const folders = foldersOf(platform, arch, env);
  const inFolders = folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));
  return [...inFolders, ...names];
}

const NAMES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: ['libdnnl.so.3', 'libdnnl.so.2'],
  darwin: ['libdnnl.3.dylib', 'libdnnl.2.dylib'],
};

/** A virtual environment of Python and one of conda, which someone has chosen; and a folder of Homebrew's. */
function foldersOf(platform: NodeJS.Platform, arch: string, env: NodeJS.ProcessEnv): string[] {
  const environments = [env['VIRTUAL_ENV'], env['CONDA_PREFIX']].filter((folder) => folder !== undefined);
  const lib = environments.map((folder) => `${folder}/lib`);
  if (platform !== 'darwin') return lib;
  return [...lib, arch === 'arm64' ? '/opt/homebrew/opt/onednn/lib' : '/usr/local/opt/onednn/lib'];
}

/** The command that brings oneDNN to this system. */
export function installCommand(platform: NodeJS.Platform): string {
  if (platform === 'win32') return 'none is known that serves on Windows';
  if (platform === 'darwin') return 'brew install onednn';
  const known = INSTALLERS.find(([installer]) => existsSync(installer));
  return known?.[1] ?? 'pip install onednn-cpu-gomp, in a virtual environment that is active';
}

const INSTALLERS = [
  ['/usr/bin/apt-get', 'apt-get install libdnnl3, or libdnnl2 where that is not known'],
  ['/usr/bin/dnf', 'dnf install onednn'],
  ['/usr/bin/pacman', 'pacman -S onednn'],
] as const;
