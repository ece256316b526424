/**
 * Finds links that lead nowhere, files and anchors, in every Markdown file of the repository and in the site, which is to
 * be built: `npm run site`. Other hosts are not asked.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { check } from 'linkinator';

process.chdir(resolve(import.meta.dirname, '..'));
if (!existsSync('build/site/index.html')) throw new Error('There is no site in build/site: `npm run site`');

const markdown = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
});
await report('the repository', { path: markdown.trim().split('\n'), markdown: true, directoryListing: true });
await report('the site', { path: 'build/site', recurse: true });

async function report(where, options) {
  const { links } = await check({
    ...options,
    checkFragments: true,
    linksToSkip: async (link) => !link.startsWith('http://localhost:'),
  });
  const followed = links.filter(({ state }) => state !== 'SKIPPED');
  const dead = followed.filter(({ state }) => state === 'BROKEN');
  for (const { url, parent } of dead)
    console.error(`${parent ?? 'A page'} links to ${url}, which is not there`);
  console.log(
    `${followed.length} pages, pictures and anchors are linked in ${where}, ${dead.length} not there`,
  );
  if (dead.length > 0 || followed.length === 0) process.exitCode = 1;
}
