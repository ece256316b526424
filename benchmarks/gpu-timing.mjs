// Timing on a device that works through a queue: what counts is when the work is done, not when it was handed over.
// Sides that are compared take turns, burst by burst, and a ratio is that of neighbours in one round.

/** @param finished resolves when the device has done all it was given */
export async function burstMs(run, times, finished) {
  const started = performance.now();
  for (let i = 0; i < times; i++) await run();
  await finished();
  return (performance.now() - started) / times;
}

/**
 * How often a burst is to run something so that it takes about as long as asked: at least once. A single run waits for
 * its own end and takes far longer than one of many: so many are timed in the end that no more than twice as many fit.
 */
export async function timesFor(run, milliseconds, finished) {
  await burstMs(run, 2, finished); // compiles shaders, makes buffers
  for (let times = 1; ;) {
    const fitting = Math.max(1, Math.round(milliseconds / (await burstMs(run, times, finished))));
    if (fitting <= 2 * times) return fitting;
    times = fitting;
  }
}

/**
 * @param sides for each side, a function that runs a burst and returns milliseconds for one time
 * @returns for each side its milliseconds, and how many times as long as the first side it took
 */
export async function takeTurns(sides, rounds) {
  const times = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) times[i].push(await side());
  }
  return times.map((mine) => ({
    ms: spreadOf(mine),
    ratio: spreadOf(mine.map((ms, round) => ms / times[0][round])),
  }));
}

function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}
