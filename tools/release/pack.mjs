/**
 * Packs what is built, as it is published. A package's folder is copied first, so that the README on its page can have
 * absolute links.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { withAbsoluteLinks } from './readme-links.mjs';
import { addressOf, publishedPackages, readJson, ROOT } from './workspace.mjs';

/**
 * @param {string} into an empty folder: tarballs come to lie in it, and the copies in `staged`
 * @param {string} manifests a workspace's folder: this one, or a copy of its manifests with other versions
 * @returns {{ name: string, version: string, location: string, staged: string, tarball: string, bytes: number,
 *   files: string[] }[]} by name
 * @throws Error that names what is missing, is left over, or does not lead anywhere
 */
export function packAll(into, manifests = ROOT) {
  const packages = publishedPackages(manifests);
  const address = addressOf(readJson(manifests, 'package.json'));
  const staged = packages.map((it) => stage(it, join(into, 'staged', it.name), address));
  const report = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', into, ...staged],
    { cwd: into, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const packed = new Map(tarballsOf(JSON.parse(report)).map((it) => [it.name, it]));
  return packages.map(({ name, location }, index) => {
    const { version, filename, size, files } = packed.get(name);
    const paths = files.map(({ path }) => path);
    assertPacked(name, location, paths);
    return {
      ...{ name, version, location, staged: staged[index] },
      ...{ tarball: join(into, filename), bytes: size, files: paths },
    };
  });
}

/** Up to npm 11 a list, from npm 12 on by name. */
const tarballsOf = (report) => (Array.isArray(report) ? report : Object.values(report));

function stage({ name, location, manifest }, into, address) {
  const folder = join(ROOT, location);
  for (const part of ['LICENSE', ...manifest.files.filter((entry) => !entry.includes('*'))]) {
    if (!existsSync(join(folder, part)))
      throw new Error(`${name} lacks ${part}: npm run build, npm run manifests`);
  }
  cpSync(folder, into, { recursive: true, filter: (path) => !path.endsWith('/node_modules') });
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const { text, broken } = withAbsoluteLinks(readme, location, ROOT, address);
  if (broken.length > 0) throw new Error(`${location}/README.md: leads nowhere: ${broken.join(', ')}`);
  writeFileSync(join(into, 'README.md'), text);
  return into;
}

/** What is packed is no test, and what is built is made of a source that is there. */
function assertPacked(name, location, paths) {
  for (const path of ['LICENSE', 'README.md', 'package.json']) {
    if (!paths.includes(path)) throw new Error(`${name}'s tarball lacks ${path}`);
  }
  const strays = paths.filter((path) => {
    if (/(^|\/)test-support|\.test\.[cm]?[jt]s$/.test(path)) return true;
    if (!path.startsWith('dist/')) return false;
    const [, module] = /^dist\/(.*)\.(?:js|d\.ts)$/.exec(path) ?? [];
    return !['.ts', '.js'].some((ending) => existsSync(join(ROOT, location, 'src', module + ending)));
  });
  if (strays.length > 0) {
    throw new Error(
      `${name}'s tarball has what no source is of, or a test: ${strays.join(', ')}; remove dist, npm run build`,
    );
  }
}
