/**
 * Kills a comparison at random moments, again and again, and lets it go on to its end: the results must be those of one
 * that was let alone, bit for bit, and nothing else may be left in the folder.
 *
 *     node tools/kill-and-resume/kill-and-resume.mjs [--kills 40] [--how processes|in-place] [--strategies all] [--seed 0]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { random } from '@espalier/datasets';

import { differencesOf } from './contents.mjs';

const COMPARISON = fileURLToPath(new URL('./comparison.mjs', import.meta.url));

const FEW = 'magnitude,acdc,str,sequential-attention-plus-plus,rigl';

/** How long after its first sign of life a comparison is killed, at most. */
const LONGEST_MS = 1500;

/**
 * @param {{ kills: number, how?: 'processes' | 'in-place', strategies?: string, seed?: number,
 *   onKill?: (done: number) => void }} options `strategies` by name, or `all`
 * @returns {Promise<string[]>} what differs; nothing where all is well
 */
export async function killAndResume({ kills, how = 'processes', strategies = FEW, seed = 0, onKill }) {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-kills-'));
  const [alone, killed] = [join(folder, 'alone'), join(folder, 'killed')];
  const { uniform } = random(seed, 'kill-and-resume');
  try {
    await finish(start(alone, how, strategies));
    let done = 0;
    while (done < kills) {
      if (await killAtRandom(killed, how, strategies, uniform)) {
        done += 1;
        onKill?.(done);
      } else {
        // It came to its end before: another folder, from the start, so that every kill hits something.
        const differences = await differencesOf(alone, killed);
        if (differences.length > 0) return differences;
        await rm(killed, { recursive: true });
      }
    }
    await finish(start(killed, how, strategies));
    return await differencesOf(alone, killed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a group of its own, so that a kill can take its trials with it. */
export function start(folder, how, strategies) {
  return fork(COMPARISON, [folder, how, strategies], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
  });
}

export async function finish(child) {
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`A comparison ended with ${signal ?? `code ${code}`}`);
}

/** @returns whether it was killed; false of one that ended before */
async function killAtRandom(folder, how, strategies, uniform) {
  const child = start(folder, how, strategies);
  const ended = once(child, 'exit');
  // One in five while it starts, the others while it trains.
  const training = uniform() < 0.2 ? setTimeout(2000 * uniform()) : once(child, 'message');
  await Promise.race([training, ended]);
  await Promise.race([setTimeout(LONGEST_MS * uniform()), ended]);
  if (child.exitCode !== null) return false;
  // The command alone, whose trials end when it is gone, or all of it at once.
  process.kill(uniform() < 0.5 ? child.pid : -child.pid, 'SIGKILL');
  await ended;
  await leaveTime();
  return true;
}

/** A trial's process notices in its next pause that the command is gone. */
async function leaveTime() {
  await setTimeout(300);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '40' },
      how: { type: 'string', default: 'processes' },
      strategies: { type: 'string', default: 'all' },
      seed: { type: 'string', default: '0' },
    },
  });
  const kills = Number(values.kills);
  const differences = await killAndResume({
    kills,
    how: values.how,
    strategies: values.strategies,
    seed: Number(values.seed),
    onKill: (done) => process.stderr.write(`killed ${done} of ${kills}\n`),
  });
  if (differences.length > 0)
    process.stdout.write(`differs after ${kills} kills: ${differences.join(', ')}\n`);
  else
    process.stdout.write(
      `${kills} kills of a comparison (${values.how}): the same bits, nothing left over\n`,
    );
  process.exitCode = differences.length > 0 ? 1 : 0;
}
