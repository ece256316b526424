/**
 * Installs every published package from its tarball into an empty project, as a user would from the registry: imports
 * each, runs the command with a small comparison, bundles for a browser, and runs the example of each README as it
 * stands. Finds what a workspace hides: a file that is not packed, a dependency that is not declared.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { build } from 'esbuild';

import { exampleOf, missingFromInstall } from './readme-example.mjs';
import { readJson } from './workspace.mjs';

/** What no example may take, in milliseconds, on a slow machine. */
const TIMEOUT = 300_000;

/**
 * @param {{ name: string, staged: string, tarball: string }[]} packed what `packAll` returns
 * @param {string} node the Node to install and run with, its path
 * @throws Error that says what failed, with what it printed
 */
export async function checkInstalled(packed, node = process.execPath) {
  const project = mkdtempSync(join(tmpdir(), 'espalier-packed-'));
  const run = runner(project, node);
  try {
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const tarballs = packed.map(({ tarball }) => tarball);
    await run('npm', ['install', '--no-audit', '--no-fund', '@tensorflow/tfjs@4', ...tarballs]);

    const imports = packed.map(
      ({ name }) => `assert.notEqual(Object.keys(await import('${name}')).length, 0);`,
    );
    writeFileSync(join(project, 'all.js'), ["import assert from 'node:assert';", ...imports].join('\n'));
    await run('node', ['all.js']);
    await run('npx', ['espalier', 'list']);
    // Trials run in processes of their own, which find their files and wasm binaries as packed.
    const small = ['--pruners', 'magnitude', '--seeds', '0', '--epochs', '2', '--out', 'out'];
    await run('npx', ['espalier', 'compare', ...small]);
    await bundleForBrowser(project);
    await runExamples(packed, project, run);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

function runner(project, node) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  return async (command, args, folder = '.') => {
    try {
      await promisify(execFile)(command, args, { cwd: join(project, folder), env, timeout: TIMEOUT });
    } catch (error) {
      throw new Error(`${error.message}\n${error.stdout}`, { cause: error });
    }
  };
}

/** The one import, as an application has it: it fails where a module of Node is in its way. */
async function bundleForBrowser(project) {
  const { code } = exampleOf(readFileSync(join(project, 'node_modules/espalier/README.md'), 'utf8'));
  await build({
    stdin: { contents: code, resolveDir: project },
    absWorkingDir: project,
    ...{ bundle: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent' },
  });
}

async function runExamples(packed, project, run) {
  const waiting = [...packed];
  const failures = [];
  const workers = Array.from({ length: availableParallelism() }, async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      await runExample(next, project, run).catch(({ message }) =>
        failures.push(`${next.location}/README.md: ${message}`),
      );
    }
  });
  await Promise.all(workers);
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

async function runExample({ name, staged }, project, run) {
  const readme = readFileSync(join(staged, 'README.md'), 'utf8');
  if (exampleOf(readme) === null) return;
  const missing = missingFromInstall(readme, readJson(staged, 'package.json'));
  if (missing.length > 0) throw new Error(`its npm install lacks ${missing.join(', ')}`);

  const { code, file } = exampleOf(readme);
  const folder = join('examples', name);
  mkdirSync(join(project, folder), { recursive: true });
  writeFileSync(join(project, folder, file), code);
  if (/\.test\.m?js$/.test(file)) await run('npx', ['vitest', 'run', '--root', '.'], folder);
  else await run('node', [file], folder);
}
