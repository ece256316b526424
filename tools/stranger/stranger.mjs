/**
 * A stranger's two paths, timed: from an empty folder to a model that is pruned, compressed and loaded again, and to a
 * new strategy's row in a table. The packages are packed from here and installed as from npm, from a registry on this
 * machine; everything else comes from the real one, by way of npm's cache. Writes what came out to `last-run.txt`.
 *
 *     node tools/stranger/stranger.mjs
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { startRegistry } from './registry.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = join(import.meta.dirname, 'prune.mjs');

const PATHS = [
  {
    to: 'a model that is pruned, compressed and loaded again',
    commands: ['npm install espalier @tensorflow/tfjs', 'node prune.mjs'],
    most: 5,
    /** 26 of 256 blocks of 16 weights, and 4 · 64 weights and 68 biases that stay. */
    holds: (printed) =>
      Number(/loss ([\d.e-]+);/.exec(printed)?.[1]) < 0.1 &&
      printed.includes(`${4 * (64 * 64 + 4 * 64 + 68)} bytes before, ${4 * (26 * 16 + 4 * 64 + 68)} after`),
  },
  {
    to: "a new strategy's row in a table",
    commands: [
      'npm create espalier-pruner my-method',
      'cd my-method',
      'npm install',
      'npm test',
      'npm run compare -- --scale smoke',
    ],
    most: 6,
    holds: (printed) => /\bmy-method\b.*90\.04%/.test(printed),
  },
];

/** No install scripts: an optional dependency's would fetch a library of some hundred megabytes for CUDA. */
const settings = { npm_config_ignore_scripts: 'true', npm_config_audit: 'false', npm_config_fund: 'false' };

const packed = mkdtempSync(join(tmpdir(), 'espalier-packed-'));
const registry = await startRegistry(
  pack(packed),
  execFileSync('npm', ['config', 'get', 'registry']).toString().trim(),
);
const env = { ...process.env, ...settings, npm_config_registry: registry.origin, npm_config_yes: 'true' };
const machine = `${availableParallelism()} cores, on which ${loadavg()[0].toFixed(0)} programs ran before`;
const lines = [`${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${machine}`];
try {
  for (const path of PATHS) lines.push(...(await walk(path)));
} finally {
  await registry.close();
  rmSync(packed, { recursive: true, force: true });
}
writeFileSync(join(import.meta.dirname, 'last-run.txt'), `${lines.join('\n')}\n`);

/** Packs what is published, as it is built. */
function pack(folder) {
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 };
  const manifests = JSON.parse(execFileSync('npm', ['query', '.workspace'], options)).filter(
    (of) => !of.private,
  );
  const of = manifests.flatMap(({ name }) => ['-w', name]);
  const made = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...of], options),
  );
  return made.map(({ name, filename }) => {
    const { location } = manifests.find((manifest) => manifest.name === name);
    const manifest = JSON.parse(readFileSync(join(ROOT, location, 'package.json'), 'utf8'));
    return { manifest, tarball: join(folder, filename) };
  });
}

/** Runs a path's commands in an empty folder; what each took. */
async function walk({ to, commands, most, holds }) {
  const start = mkdtempSync(join(tmpdir(), 'espalier-stranger-'));
  try {
    cpSync(PROGRAM, join(start, 'prune.mjs'));
    let folder = start;
    let printed = '';
    let total = 0;
    const times = [];
    for (const command of commands) {
      const from = performance.now();
      if (command.startsWith('cd ')) folder = join(folder, command.slice(3));
      else printed = await run(command, folder);
      const seconds = (performance.now() - from) / 1000;
      total += seconds;
      times.push(`  ${seconds.toFixed(1).padStart(6)} s  ${command}`);
      process.stdout.write(`${times.at(-1)}\n`);
    }
    if (commands.length > most) throw new Error(`${commands.length} commands to ${to}: at most ${most}`);
    if (!holds(printed)) throw new Error(`The last command to ${to} printed something else:\n${printed}`);
    const heading = `${total.toFixed(1)} s, ${commands.length} commands, from nothing to ${to}`;
    process.stdout.write(`${heading}\n`);
    return [heading, ...times];
  } finally {
    rmSync(start, { recursive: true, force: true });
  }
}

async function run(command, cwd) {
  const options = { cwd, env, maxBuffer: 1 << 28 };
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], options).catch((error) => {
    throw new Error(`${command} fails:\n${error.stdout}${error.stderr}`, { cause: error });
  });
  return stdout + stderr;
}
