// The sides of a suite: processes that stay, and take turns, so that what is compared is timed within seconds of each
// other. A process a side, as kernels are registered for a whole process.

import { fork } from 'node:child_process';

/** Node 20 hides relaxed SIMD behind a flag; later versions have it, and need no side of its own for it. */
const RELAXED_HIDDEN = Number(process.versions.node.split('.')[0]) < 22;

/** A side once more, with relaxed SIMD, where this version of Node hides that. */
export function relaxed(side) {
  if (!RELAXED_HIDDEN) return [];
  return [{ ...side, name: `${side.name}, relaxed SIMD`, flags: ['--experimental-wasm-relaxed-simd'] }];
}

/** A side as programs start it: with relaxed SIMD, and its products left to the system's BLAS. */
export function onBlas(side) {
  const flags = RELAXED_HIDDEN ? { flags: ['--experimental-wasm-relaxed-simd'] } : {};
  return { ...side, name: `${side.name}, BLAS`, side: `${side.side}:blas`, ...flags };
}

/** Those that were asked for; all of them without `--sides`. */
export function wantedOf(sides, wanted) {
  return sides.filter(({ side }) => !wanted || wanted.includes(side));
}

/** Starts a worker for each side. Those that cannot take part get `absent`, the reason. */
export async function startAll(worker, sides) {
  const started = [];
  for (const side of sides) {
    const child = fork(worker, [side.side], {
      execArgv: side.flags ?? [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const { absent, error } = await nextMessage(child);
    if (absent ?? error) child.kill();
    started.push({ ...side, process: child, absent: absent ?? error ?? null });
  }
  return started;
}

/**
 * The answer of a side to a message.
 *
 * @throws Error with the side's own, when it failed
 */
export async function ask({ name, process: child }, message) {
  child.send(message);
  const answer = await nextMessage(child);
  if (answer.error) throw new Error(`${name}, ${JSON.stringify(message)}: ${answer.error}`);
  return answer;
}

function nextMessage(child) {
  return new Promise((resolve) => {
    const settle = (answer) => {
      child.off('message', settle);
      child.off('exit', ended);
      resolve(answer);
    };
    const ended = (code, signal) => settle({ error: `its process ended (${signal ?? code})` });
    child.once('message', settle);
    child.once('exit', ended);
  });
}

/** The sides that could not take part, as plain data. */
export function absentOf(sides) {
  return sides.filter(({ absent }) => absent).map(({ name, absent }) => ({ name, reason: absent }));
}

/**
 * Asks each side its cases, round by round in the order of the cases.
 *
 * @param cases each with its `side`
 * @returns for each case its answers, one a round
 */
export async function askInTurns(cases, rounds, messageOf) {
  const answers = cases.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, one] of cases.entries()) answers[i].push(await ask(one.side, messageOf(one, round)));
  }
  return answers;
}

export function stopAll(sides) {
  for (const { process: child } of sides) child.kill();
}
