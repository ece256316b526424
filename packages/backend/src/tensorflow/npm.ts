/** Packages taken by npm as they are: none of their scripts runs, and nothing goes into a `node_modules`. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { BackendError } from '../choice.js';
import { noRoom } from './cache.js';
import { isOfFullDisk, run, type Ended } from './run.js';

/**
 * Puts the content of a package into a folder.
 *
 * @param wanted name and version, or a range: `progress@^2.0.0`
 * @throws BackendError, one line, when npm does not give it
 */
export async function takePackage(wanted: string, into: string, signal?: AbortSignal): Promise<void> {
  const tarballs = `${into}.tarballs`;
  await mkdir(tarballs, { recursive: true });
  await mkdir(into, { recursive: true });
  const packed = await run('npm', ['pack', wanted, '--pack-destination', tarballs], {
    cwd: tarballs,
    signal,
  });
  if (!packed) {
    throw new BackendError(`${wanted} is taken by npm, and there is no npm on the PATH: apt-get install npm`);
  }
  const [tarball] = (await readdir(tarballs)).filter((name) => name.endsWith('.tgz'));
  if (packed.code !== 0 || tarball === undefined) throw notTaken(wanted, packed);
  const unpacked = await run('tar', ['-xzf', join(tarballs, tarball), '-C', into, '--strip-components=1'], {
    signal,
  });
  if (!unpacked) throw new BackendError(`${wanted} is unpacked by tar, and there is no tar on the PATH`);
  if (unpacked.code !== 0) throw notTaken(wanted, unpacked);
  await rm(tarballs, { recursive: true });
}

function notTaken(wanted: string, ended: Ended): BackendError {
  if (isOfFullDisk(ended.stderr)) return noRoom();
  return new BackendError(
    `npm does not give ${wanted} (${complaintOf(ended)}): run the same command again with a network, or ` +
      'npm install --ignore-scripts @tensorflow/tfjs-node-gpu where Espalier is',
  );
}

/** What npm says first, without the codes that it says it by. */
function complaintOf({ code, stderr }: Ended): string {
  const said = [...stderr.matchAll(/^npm (?:ERR!|error) (.+)$/gm)].map(([, text = '']) => text.trim());
  const words = said.find((text) => !/^(code|errno|syscall|hostname|path|type) /.test(text));
  return words ?? stderr.trim().split('\n').at(-1) ?? `it ended with code ${code}`;
}
