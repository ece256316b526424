/**
 * `npm run release`: checks everything as `npm run check-packages` does, and publishes the very tarballs that were checked,
 * what a package stands on before it; those that the registry has already are left out, so that it can be run again. Then
 * tags the commit. Wants a clean checkout, built, whose changesets `npm run version-packages` has used up.
 *
 * The manifests ask for provenance, which npm can only tell of where the machine is one that vouches for it: run it in
 * a workflow of the repository's host.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { addressOf, isPlaceholder, publishedPackages, readJson, ROOT } from './workspace.mjs';

const address = addressOf(readJson(ROOT, 'package.json'));
if (isPlaceholder(address)) {
  fail(
    `package.json's repository is still the placeholder ${address}: put the real one there, and npm run manifests`,
  );
}
const changesets = readdirSync(join(ROOT, '.changeset')).filter((name) => name.endsWith('.md'));
if (changesets.length > 0)
  fail(`${changesets.length} changesets are no versions yet: npm run version-packages`);
const changed = execFileSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' });
if (changed !== '') fail(`The checkout has changes that are not committed:\n${changed}`);

// What is above is quick, and needs nothing that is loaded here.
const { checkInstalled } = await import('./check-installed.mjs');
const { checkTarballs } = await import('./check-tarballs.mjs');
const { packAll } = await import('./pack.mjs');

const folder = mkdtempSync(join(tmpdir(), 'espalier-release-'));
try {
  const packed = packAll(folder);
  await checkTarballs(packed);
  await checkInstalled(packed);
  const tarballOf = new Map(packed.map(({ name, tarball }) => [name, tarball]));
  for (const { name, manifest } of inOrder(publishedPackages())) {
    if (isPublished(`${name}@${manifest.version}`)) continue;
    execFileSync('npm', ['publish', tarballOf.get(name)], { stdio: 'inherit' });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
execFileSync('npx', ['changeset', 'tag'], { cwd: ROOT, stdio: 'inherit' });

/** Each behind those that it needs. */
function inOrder(packages) {
  const ordered = new Set();
  const byName = new Map(packages.map((it) => [it.name, it]));
  const visit = (it) => {
    const { dependencies, peerDependencies } = it.manifest;
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (byName.has(name) && !ordered.has(byName.get(name))) visit(byName.get(name));
    }
    ordered.add(it);
  };
  packages.forEach(visit);
  return ordered;
}

function isPublished(spec) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', spec, 'version'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim() !== '';
  if (/\bE404\b/.test(stderr)) return false;
  throw new Error(`npm view ${spec} failed: ${stderr}`);
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(2);
}
