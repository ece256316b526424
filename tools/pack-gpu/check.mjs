/** Unpacks the archive into an empty folder and runs it there, with neither a PATH nor a node_modules of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { softwareAdapter } from '@espalier/backend';

/** A task that takes a software adapter seconds. */
const TINY = `
import { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';
const planted = plantedBlocksWorkload('tiny', 'the planted task in small', {
  inputs: 32, outputs: 16, blockShape: [4, 4], trainExamples: 128, testExamples: 64,
});
export default { workloads: { tiny: {
  ...planted,
  defaults: { ...planted.defaults, seeds: [0], epochs: 12, batchSize: 32 },
  target: { minimumBlocks: 8 },
} } };
`;

/** A shell and the C library: all that a machine needs to have beside a driver. */
const BARE = [
  ...['/bin/sh', '/dev/null', '/lib64/ld-linux-x86-64.so.2'],
  ...['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0'].map(
    (name) => `/lib/x86_64-linux-gnu/${name}`,
  ),
];
const CHROOT = '/usr/sbin/chroot';

/** @throws Error with what the command printed when a step fails */
export function checkArchive(archive) {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-gpu-'));
  try {
    execFileSync('tar', ['-xf', archive, '-C', folder]);
    const bundle = join(folder, 'espalier-gpu');
    writeFileSync(join(bundle, 'espalier.config.ts'), TINY);
    const run = (command, environment = {}) => runIn(bundle, command, environment);
    run('./espalier --version');
    checkBare(folder);
    run('./espalier list');
    run('./espalier doctor');
    run('./espalier compare --workload tiny --pruners magnitude --backend wasm --out wasm');
    const software = softwareAdapter();
    if (!software) {
      process.stdout.write('webgpu not checked: no SwiftShader (apt-get install chromium libvulkan1)\n');
      return;
    }
    run('./espalier doctor', software);
    run(
      './espalier compare --workload tiny --pruners magnitude,sequential-attention-plus-plus --backend webgpu --out webgpu',
      software,
    );
    run(
      './espalier-benchmark --check-only --quick --pruners magnitude,sequential-attention-plus-plus',
      software,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the command where the unpacked archive and what is BARE are the whole file system. */
function checkBare(folder) {
  if (process.getuid() !== 0 || ![CHROOT, ...BARE].every((path) => existsSync(path))) {
    process.stdout.write("not checked on a bare system: that needs root, chroot, and Debian's folders\n");
    return;
  }
  for (const path of BARE.filter((path) => path !== '/dev/null')) {
    cpSync(path, join(folder, path), { dereference: true });
  }
  mkdirSync(join(folder, 'dev'));
  execFileSync('cp', ['-a', '/dev/null', join(folder, 'dev')]);
  runIn(folder, `${CHROOT} ${folder} /espalier-gpu/espalier list`, {});
}

function runIn(cwd, command, environment) {
  const [program, ...args] = command.split(' ');
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { PATH: '/nonexistent', HOME: cwd, ...environment },
  });
  process.stdout.write(`$ ${command}\n${stdout}\n`);
  if (status !== 0) throw new Error(`${command} ended with ${status} in the archive's folder:\n${stderr}`);
}
