/** The command in the process of a test: what a process of its own would show is shown by others. */
import { vi } from 'vitest';

// As built: it starts processes of its own, which have nothing but the built files.
import { espalier as run } from '../dist/program.js';
import { bin, type Ended } from './command.js';

let isRunning = false;

/**
 * The command in this process, where starting one shows nothing: one at a time.
 *
 * @param more variables beside those that there are
 */
export async function espalierHere(
  folder: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Ended & { readonly code: number }> {
  if (isRunning) throw new Error('A command is running in this process: wait for it');
  isRunning = true;
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk, ...then) => {
      said[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const written = then.find((each) => typeof each === 'function') as (() => void) | undefined;
      written?.();
      return true;
    }),
  );
  for (const [name, value] of Object.entries(more)) vi.stubEnv(name, value);
  const before = { folder: process.cwd(), argv: process.argv };
  process.chdir(folder);
  // A report tells of it.
  process.argv = [process.execPath, bin, ...args];
  try {
    return { code: await run(args), ...said };
  } finally {
    process.chdir(before.folder);
    process.argv = before.argv;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
    isRunning = false;
  }
}
