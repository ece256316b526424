/**
 * Pairs of commands on one folder, started at random distances, every other pair, the first included, with one of them
 * killed at a random moment: every trial is to be run once, and the folder to be that of one command that was let alone.
 *
 *     node tools/kill-and-resume/pairs.mjs [--pairs 20] [--seed 0]
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { random } from '@espalier/datasets';

import { differencesOf } from './contents.mjs';
import { finish, start } from './kill-and-resume.mjs';

const STRATEGIES = 'magnitude,sequential-attention-plus-plus';

/**
 * @param {{ pairs: number, seed?: number, onPair?: (done: number) => void }} options
 * @returns {Promise<string[]>} what is wrong; nothing where all is well
 */
export async function pairs({ pairs, seed = 0, onPair }) {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-pairs-'));
  const [alone, shared] = [join(folder, 'alone'), join(folder, 'shared')];
  const { uniform } = random(seed, 'pairs');
  try {
    await finish(start(alone, 'processes', STRATEGIES));
    for (let done = 0; done < pairs; done++) {
      const kills = done % 2 === 0;
      const wrong = await onePair(alone, shared, kills, uniform);
      if (wrong.length > 0)
        return wrong.map((each) => `pair ${done + 1}${kills ? ', one killed' : ''}: ${each}`);
      await rm(shared, { recursive: true });
      onPair?.(done + 1);
    }
    return [];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function onePair(alone, shared, kills, uniform) {
  const ran = [];
  const command = () => {
    const child = start(shared, 'processes', STRATEGIES);
    child.on('message', (message) => message.ran && ran.push(message.ran));
    return { child, ended: once(child, 'exit') };
  };
  const first = command();
  await setTimeout(3000 * uniform());
  const second = command();
  const [victim, other] = uniform() < 0.5 ? [first, second] : [second, first];
  if (kills) {
    await Promise.race([setTimeout(6000 * uniform()), victim.ended]);
    if (victim.child.exitCode === null) {
      process.kill(uniform() < 0.5 ? victim.child.pid : -victim.child.pid, 'SIGKILL');
    }
  }
  const [victimCode] = await victim.ended;
  const [code] = await other.ended;
  const wrong = await differencesOf(alone, shared);
  if (code !== 0 || (!kills && victimCode !== 0)) wrong.push(`ended with ${code} and ${victimCode}`);
  const trials = STRATEGIES.split(',').length + 1;
  // One that was killed after its result lay there, and before it could say so, has told nothing.
  const least = kills ? trials - 2 : trials;
  if (new Set(ran).size !== ran.length || ran.length < least) wrong.push(`ran ${ran.join(', ')}`);
  return wrong;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { pairs: { type: 'string', default: '20' }, seed: { type: 'string', default: '0' } },
  });
  const count = Number(values.pairs);
  const wrong = await pairs({
    pairs: count,
    seed: Number(values.seed),
    onPair: (done) => process.stderr.write(`pair ${done} of ${count}\n`),
  });
  const killed = Math.floor(count / 2);
  process.stdout.write(
    wrong.length > 0
      ? `${wrong.join('\n')}\n`
      : `${count} pairs of commands on one folder, one of them killed in ${killed}: every trial once, the same bits\n`,
  );
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
