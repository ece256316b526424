/**
 * The links of a README, as they work on a package's page: that page may know nothing of the repository, and has no
 * file beside it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** `](target)` and `src="target"`, outside of blocks of code. */
const LINK = /(?<before>!?\[[^\]]*\]\(|\b(?:src|href)=")(?<target>[^)"\s]+)/g;
const BLOCK_OF_CODE = /(^```.*?^```)/gms;

/**
 * @param {string} text a README
 * @param {string} location its folder within the repository, with slashes
 * @param {string} root the repository's folder
 * @param {string} address the repository's page
 * @returns {{ text: string, broken: string[] }} the README with relative links made absolute, and those that lead to no
 *   file of the repository or to no heading of it
 */
export function withAbsoluteLinks(text, location, root, address) {
  const broken = [];
  const absolute = (all, before, target) => {
    if (/^[a-z]+:/.test(target)) return all;
    const [path, anchor] = target.split('#');
    const found = path === '' ? location : posix.normalize(posix.join(location, path));
    if (!existsSync(join(root, found)) || (anchor && !headings(join(root, found)).has(anchor))) {
      broken.push(target);
      return all;
    }
    if (path === '') return all;
    const isFolder = statSync(join(root, found)).isDirectory();
    const isPicture = before.startsWith('!') || before.startsWith('src');
    const view = isFolder ? 'tree' : isPicture ? 'raw' : 'blob';
    return `${before}${address}/${view}/HEAD/${found}${anchor ? `#${anchor}` : ''}`;
  };
  const parts = text
    .split(BLOCK_OF_CODE)
    .map((part) => (part.startsWith('```') ? part : part.replace(LINK, absolute)));
  return { text: parts.join(''), broken };
}

/** The anchors of a page of Markdown, or of a folder's README. */
function headings(path) {
  const file = statSync(path).isDirectory() ? join(path, 'README.md') : path;
  const text = readFileSync(file, 'utf8').replaceAll(BLOCK_OF_CODE, '');
  return new Set(Array.from(text.matchAll(/^#+ (.*)$/gm), ([, title]) => anchorOf(title)));
}

/** As the hosts of repositories make them: lower case, hyphens for spaces, no punctuation. */
const anchorOf = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
