// PyTorch on the same card, in a Python process of its own that is told what to do by lines of JSON.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** @returns null, and says why, where `python` has no PyTorch that sees a GPU */
export async function startTorch(python) {
  const child = spawn(python, [fileURLToPath(new URL('gpu_torch.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint = `${complaint}${chunk}`.slice(-2000)));
  child.stdin.on('error', () => {}); // it has ended: the next answer says so
  const gone = new Promise((resolve) => {
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('close', () => resolve({ error: complaint.trim().split('\n').at(-1) || `${python} ended` }));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const read = await Promise.race([lines.next(), gone]);
    return 'error' in read ? read : read.done ? gone : JSON.parse(read.value);
  };
  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const answered = await answer();
    if (answered.error) throw new Error(`PyTorch: ${answered.error}`);
    return answered;
  };

  const hello = await answer();
  if (hello.error) return { torch: null, absence: hello.error };
  const burst = async () => (await ask({ task: 'burst' })).ms;
  const torch = {
    version: hello.version,
    device: hello.device,
    /** Builds a network; @returns a burst of its training steps. */
    async prepare({ batch, inputShape, torch }, milliseconds) {
      await ask({ task: 'training', batch, inputShape, network: torch, milliseconds });
      return burst;
    },
    /** @returns a burst of a dense product */
    async prepareProduct(product, batch, matrixShape, milliseconds) {
      await ask({ task: 'product', product, batch, matrixShape, milliseconds });
      return burst;
    },
    stop: () => child.stdin.end(),
  };
  return { torch, absence: null };
}
