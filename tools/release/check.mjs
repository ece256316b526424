/**
 * A release without publishing: versions as the changesets make them, in a copy; tarballs; publint and attw; an install
 * into an empty project, and all that is done there (check-installed.mjs).
 *
 *   npm run check-packages                        with the Node that runs
 *   npm run check-packages -- --node 22,24,26     with these
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { checkInstalled } from './check-installed.mjs';
import { checkTarballs } from './check-tarballs.mjs';
import { copyManifests, makeVersions } from './next-versions.mjs';
import { packAll } from './pack.mjs';

const { values: options } = parseArgs({ options: { node: { type: 'string' } } });

const folder = mkdtempSync(join(tmpdir(), 'espalier-release-'));
const step = async (title, work) => {
  const start = performance.now();
  const result = await work();
  process.stdout.write(`${title}, ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return result;
};
try {
  const [manifests, tarballs] = ['manifests', 'tarballs'].map((name) => join(folder, name));
  mkdirSync(tarballs);
  copyManifests(manifests);
  const versions = await step('The next versions', () => makeVersions(manifests));
  const packed = await step('Packed', () => packAll(tarballs, manifests));
  const kilobytes = packed.reduce((sum, { bytes }) => sum + bytes, 0) / 1000;
  process.stdout.write(
    `${packed.length} tarballs, ${kilobytes.toFixed(0)} kB: espalier ${versions.espalier}\n`,
  );
  await step('publint, attw', () => checkTarballs(packed));
  for (const node of nodes()) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    await step(`Node ${version}: installed, every README's example run`, () => checkInstalled(packed, node));
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Paths of the Nodes asked for by their major version; npm has their binaries as packages. */
function nodes() {
  if (options.node === undefined) return [process.execPath];
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  return options.node.split(',').map((major) => {
    const args = [
      'exec',
      '--yes',
      `--package=node-${platform}@${major}`,
      '--',
      'node',
      '-p',
      'process.execPath',
    ];
    return execFileSync('npm', args, { encoding: 'utf8', cwd: folder }).trim();
  });
}
