/** What commands that may hand trials out do around it. The queue's packages are loaded where one is asked for. */
import { UsageError, type Dispatch } from '@espalier/experiment';

import type { QueueOptions } from './commands/shared-options.js';

/** @param work is given what hands trials out, where a queue was asked for */
export async function withQueue<T>(
  given: QueueOptions & { readonly detach?: boolean },
  signal: AbortSignal,
  work: (dispatch: Dispatch | undefined) => Promise<T>,
): Promise<T> {
  const { queue, memory, mixed = false, detach = false } = given;
  if (queue === undefined) {
    if (memory === undefined && !mixed) return work(undefined);
    throw new UsageError('--memory and --mixed are for --queue: without one, nobody else trains');
  }
  const { connect, handOut } = await import('@espalier/experiment/queue');
  const server = await connect(queue, { onNote: say, signal });
  try {
    const memoryBytes = memory === undefined ? null : memory * 2 ** 30;
    return await work(handOut(server, { memoryBytes, mixed, detach }));
  } finally {
    await server.close();
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
