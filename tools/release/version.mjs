/**
 * `npm run version-packages`: the changesets become versions, and the first notes of CHANGELOG.md. To be committed, and
 * then released (release.mjs).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format } from 'prettier';

import { makeVersions, notesOf } from './next-versions.mjs';
import { ROOT } from './workspace.mjs';
import { withNotes } from './changelog.mjs';

const path = join(ROOT, 'CHANGELOG.md');
const page = existsSync(path) ? readFileSync(path, 'utf8') : '# What changed\n';
const notes = await notesOf(ROOT, new Date().toISOString().slice(0, 10));
makeVersions(ROOT);
writeFileSync(path, await format(withNotes(page, notes), { parser: 'markdown' }));
execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: ROOT, stdio: 'inherit' });
