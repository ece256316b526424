/** Programs that are run to their end: a Python, npm, a compiler. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  /** Beside this process's own variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Is given what it prints on standard output, as it comes. */
  readonly onOutput?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @returns null where there is no such program
 * @throws the signal's reason when it was aborted
 */
export function run(
  program: string,
  args: readonly string[],
  { cwd, environment, onOutput, signal }: RunOptions = {},
): Promise<Ended | null> {
  const child = spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => child.kill('SIGTERM');
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  return new Promise<Ended | null>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    child.once('close', (code) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve({ code, stdout, stderr });
    });
  }).finally(() => signal?.removeEventListener('abort', stop));
}

/** What a program that failed complains of: its first line that says "error", else its last. */
export function complaintOf({ code, stdout, stderr }: Ended): string {
  const lines = (text: string) => text.split('\n').flatMap((line) => line.trim() || []);
  const said = [...lines(stdout), ...lines(stderr)];
  return said.find((line) => /\berror\b/i.test(line)) ?? said.at(-1) ?? `it ended with code ${code}`;
}

/** Whether what a program says, or an error, comes of a disk that is full. */
export function isOfFullDisk(text: string): boolean {
  return /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/.test(text);
}
