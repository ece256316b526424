/** The workspace as a release sees it: which packages are published, and the one address from which all else is told. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'));

/**
 * @param {string} root a workspace's folder
 * @returns {{ name: string, location: string, folder: string, manifest: object }[]} the packages that are not private, by
 *   name; `location` is the folder within the workspace, with slashes
 */
export function publishedPackages(root = ROOT) {
  return readJson(root, 'package.json')
    .workspaces.flatMap((pattern) => foldersOf(root, pattern))
    .filter((location) => existsSync(join(root, location, 'package.json')))
    .map((location) => {
      const manifest = readJson(root, location, 'package.json');
      return { name: manifest.name, location, folder: join(root, location), manifest };
    })
    .filter(({ manifest }) => !manifest.private)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A workspace's pattern is a folder, or `folder/*`. */
function foldersOf(root, pattern) {
  if (!pattern.endsWith('/*')) return [pattern];
  const parent = dirname(pattern);
  return existsSync(join(root, parent))
    ? readdirSync(join(root, parent)).map((name) => posix.join(parent, name))
    : [];
}

/** The repository's page, from the root's manifest: `https://host/owner/name`. */
export const addressOf = ({ repository }) => repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** Whether an address is one that can be nobody's (RFC 2606). */
export const isPlaceholder = (address) =>
  /(^|\.)(example\.(com|net|org)|example|invalid|test|localhost)$/.test(new URL(address).hostname);
