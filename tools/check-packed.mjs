/**
 * Installs every publishable package from its packed tarball into an empty project, as a user would from the
 * registry, imports each, and runs the command, with a small comparison. Finds what a workspace hides: a file that is not packed, a
 * dependency that is not declared.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'espalier-packed-'));
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** The workspace's packages that are not private, as npm knows them. */
const publishable = JSON.parse(run('npm', ['query', '.workspace'], root))
  .filter((manifest) => !manifest.private)
  .map(({ name, location }) => ({ name, folder: join(root, location) }));

try {
  const tarballs = publishable.map(({ folder }) => {
    const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', project], folder));
    return join(project, filename);
  });
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'packed', private: true, type: 'module' }),
  );
  const peers = ['@tensorflow/tfjs@4.22.0', '@tensorflow/tfjs-backend-wasm@4.22.0'];
  run('npm', ['install', '--omit=optional', '--no-audit', '--no-fund', ...peers, ...tarballs], project);

  const names = publishable.map(({ name }) => name);
  const imports = names.map(
    (name) =>
      `const m = await import('${name}'); if (Object.keys(m).length === 0) throw new Error('${name} exports nothing');`,
  );
  writeFileSync(join(project, 'import-all.js'), imports.map((line) => `{ ${line} }`).join('\n'));
  run(process.execPath, ['import-all.js'], project);
  run('npx', ['espalier', 'list'], project);
  // Trials run in processes of their own, which find their files and wasm binaries as packed.
  run(
    'npx',
    ['espalier', 'compare', '--pruners', 'magnitude', '--seeds', '0', '--epochs', '2', '--out', 'out'],
    project,
  );
  process.stdout.write(
    `${names.length} packages install from their tarballs and import: ${names.join(', ')}\n`,
  );
} finally {
  rmSync(project, { recursive: true, force: true });
}
