/** Sees to it that the command ends, and not without a word. */

/** How long what still runs may take, such as the last of the output, once all is done. */
const LINGERING_MS = 2000;

const MISUSED = 2;

/**
 * From here on, a command that can only wait for what never comes says so and ends: a promise of a user's module that
 * does not settle leaves Node nothing to do, and it would end in silence.
 *
 * @returns what is to be called when the command has done its work: what a user's module has left running, a timer, a
 *   server, does not keep it alive
 */
export function watchEnding(): () => void {
  let idle = 0;
  const onIdle = () => {
    idle += 1;
    // Once round again: others are told as well that nothing is left to do, and may know what to do about it.
    if (idle === 1) return void setImmediate(() => {});
    process.stderr.write(
      'error: nothing is left to do but to wait for a promise that never settles: see what the config, the strategies ' +
        'and the workload await\n',
    );
    process.exit(MISUSED);
  };
  process.on('beforeExit', onIdle);
  return () => {
    process.removeListener('beforeExit', onIdle);
    setTimeout(() => process.exit(), LINGERING_MS).unref();
  };
}
