/**
 * The long form of what a results folder must hold, over all strategies and both kinds of executor; writes what came out
 * to `last-run.txt` beside this file, line by line as it comes.
 *
 *     node tools/kill-and-resume/long.mjs [--kills 100] [--pairs 20]
 */
import { appendFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { killAndResume } from './kill-and-resume.mjs';
import { pairs } from './pairs.mjs';

/** A few at a time, so that a comparison is not longer than what is between two kills by much. */
const GROUPS = [
  'magnitude,acdc,powerpropagation,str',
  'softmax-attention,sequential-attention-plus-plus,gmp,iht',
  'group-lasso,l1-masks,sequential-attention,omp',
  'omp/ompr,rigl,structured-dst,random',
];
const RESULT = fileURLToPath(new URL('./last-run.txt', import.meta.url));

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    pairs: { type: 'string', default: '20' },
  },
});

async function say(line) {
  process.stdout.write(`${line}\n`);
  await appendFile(RESULT, `${line}\n`);
}

/** Each part says what it found; one that fails does not keep the next from running. */
async function part(what, run) {
  let done = 0;
  const wrong = await run((count) => (done = count)).catch((error) => [error.message]);
  await say(`${done} ${what}: ${wrong.length === 0 ? 'the same bits, nothing left over' : wrong.join('; ')}`);
  if (wrong.length > 0) process.exitCode = 1;
}

await writeFile(RESULT, `${new Date().toISOString().slice(0, 10)}, Node ${process.version}\n`);
const runs = GROUPS.flatMap((strategies) => ['processes', 'in-place'].map((how) => ({ strategies, how })));
let left = Number(values.kills);
for (const [i, { strategies, how }] of runs.entries()) {
  const kills = Math.ceil(left / (runs.length - i));
  left -= kills;
  if (kills === 0) continue;
  await part(`kills of ${strategies} (${how}), resumed`, (onKill) =>
    killAndResume({ kills, how, strategies, seed: i, onKill }),
  );
}
const count = Number(values.pairs);
if (count > 0) {
  await part('pairs of commands on one folder, one of them killed in every other', (onPair) =>
    pairs({ pairs: count, onPair }),
  );
}
