/** What `changeset version` makes of a workspace, in a copy of its manifests. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import getReleasePlan from '@changesets/get-release-plan';

import { releaseNotes } from './changelog.mjs';
import { publishedPackages, readJson, ROOT } from './workspace.mjs';

const CHANGESETS = join(ROOT, 'node_modules/@changesets/cli/bin.js');

/** Copies every manifest of the workspace, and the changesets, into an empty folder. */
export function copyManifests(into) {
  const parents = readJson(ROOT, 'package.json').workspaces.map((pattern) => pattern.replace(/\/\*$/, ''));
  const folders = parents.flatMap((parent) => [
    parent,
    ...readdirSync(join(ROOT, parent)).map((name) => join(parent, name)),
  ]);
  for (const path of ['.', ...folders].map((folder) => join(folder, 'package.json'))) {
    if (!existsSync(join(ROOT, path))) continue;
    mkdirSync(join(into, dirname(path)), { recursive: true });
    cpSync(join(ROOT, path), join(into, path));
  }
  cpSync(join(ROOT, '.changeset'), join(into, '.changeset'), { recursive: true });
}

/**
 * @param {string} workspace a folder that `copyManifests` filled
 * @returns {Record<string, string>} the published packages' versions once its changesets are used up
 */
export function makeVersions(workspace) {
  execFileSync(process.execPath, [CHANGESETS, 'version'], { cwd: workspace, stdio: 'pipe' });
  return Object.fromEntries(
    publishedPackages(workspace).map(({ name, manifest }) => [name, manifest.version]),
  );
}

/** What the changesets of a workspace will bring, as Markdown; `day` as `2026-11-28`. */
export const notesOf = async (workspace, day) =>
  releaseNotes(await (getReleasePlan.default ?? getReleasePlan)(workspace), day);
