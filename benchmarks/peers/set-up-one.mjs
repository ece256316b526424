// One peer of the benchmarks, set up. What pip and npm have to say is shown as they say it, but for why they failed, which
// becomes one line.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { environmentOf, FOLDER, isSetUp, PYTHON_PEERS, requirementsOf } from './peers.mjs';

const OLDEST = [3, 11];

/**
 * @returns what was done, in a line
 * @throws Error of one line
 */
export async function setUpPython(peer, { python = 'python3', folder = FOLDER } = {}) {
  if (isSetUp(peer, folder)) return 'is there';
  const { environment, made, python: own } = environmentOf(peer, folder);
  await assertRecent(python);
  rmSync(made, { force: true });
  mkdirSync(dirname(environment), { recursive: true });
  // What is there of an environment that was broken off is kept; a Python that has gone is replaced.
  await run(python, ['-m', 'venv', '--upgrade', environment]).catch(() =>
    run(python, ['-m', 'venv', '--clear', environment]),
  );
  const requirements = requirementsOf(peer);
  // The list is whole: pip resolves nothing, and so takes the same versions at any time.
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '-r', requirements];
  await run(own, install);
  const version = await run(own, ['-c', `import ${moduleOf(peer)} as m; print(m.__version__)`], 'pipe');
  writeFileSync(`${made}.part`, readFileSync(requirements));
  renameSync(`${made}.part`, made);
  return `${PYTHON_PEERS[peer].title} ${version} is set up`;
}

/** The versions are those of package.json. */
export async function setUpNode() {
  // Its install script fetches a part for CUDA, from elsewhere.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', FOLDER], 'inherit', env);
  return 'onnxruntime-node is there';
}

const moduleOf = (peer) => PYTHON_PEERS[peer].module;

async function assertRecent(python) {
  const wanted = `Python ${OLDEST.join('.')} or later`;
  const version = await run(python, ['-c', 'import sys; print(*sys.version_info[:2])'], 'pipe').catch(
    (error) => {
      throw new Error(`${python} is no Python that runs (${error.message}): --python <${wanted}>`);
    },
  );
  const [major, minor] = version.split(' ').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new Error(`${python} is Python ${major}.${minor}: --python <${wanted}>`);
  }
}

/** @returns what it printed, where that is not shown */
function run(command, args, output = 'inherit', env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', output, 'pipe'] });
    let [printed, complaint] = ['', ''];
    child.stdout?.on('data', (chunk) => (printed += chunk));
    child.stderr.on('data', (chunk) => (complaint = `${complaint}${chunk}`.slice(-8000)));
    child.once('error', (error) =>
      reject(new Error(error.code === 'ENOENT' ? `no ${command}` : error.message)),
    );
    child.once('close', (code, signal) =>
      code === 0
        ? resolve(printed.trim())
        : reject(new Error(`${said(complaint)} (${command} ended with ${signal ?? code})`)),
    );
  });
}

/** The line that says it: the last that calls itself an error, or the last. */
function said(complaint) {
  // Colours may stand in lines of their own.
  const lines = stripVTControlCharacters(complaint)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const error = lines.findLast(
    (line) => /^(ERROR|npm error|npm ERR!|\w*Error):? /.test(line) && !/log of this run/.test(line),
  );
  return error ?? lines.at(-1) ?? 'it said nothing';
}
