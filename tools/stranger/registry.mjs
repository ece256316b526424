/** A registry of packed tarballs on this machine, for installing as from npm; what it does not have is the real one's. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

/**
 * @param {{ manifest: { name: string, version: string }, tarball: string }[]} packages
 * @param {string} upstream where the real registry is
 */
export async function startRegistry(packages, upstream) {
  const byName = new Map(packages.map((packed) => [packed.manifest.name, packed]));
  let origin;
  const server = createServer((request, response) => {
    answer(byName, request.url, origin).then(
      (found) => {
        if (!found) response.writeHead(302, { location: new URL(request.url.slice(1), upstream).href });
        response.end(found ?? undefined);
      },
      (error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** A package's metadata, or its tarball; null for one that is not here. */
async function answer(byName, url, origin) {
  const [path, tail] = url.slice(1).split('/-/');
  const found = byName.get(decodeURIComponent(path));
  if (!found) return null;
  const { manifest, tarball } = found;
  const bytes = await readFile(tarball);
  if (tail) return bytes;
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const dist = { tarball: `${origin}/${manifest.name}/-/packed.tgz`, integrity };
  const { name, version } = manifest;
  return JSON.stringify({
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
  });
}
