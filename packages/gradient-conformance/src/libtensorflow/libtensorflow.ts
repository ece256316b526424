/** TensorFlow as a third party, in a Python process of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';

import type { Input } from '../swept-op.js';

export interface Call {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly attributes: object;
  readonly weights: readonly number[];
}

/** Values that are not finite are null. */
export type Answer =
  | {
      readonly values: readonly (number | null)[];
      readonly gradients: readonly (readonly (number | null)[] | null)[];
    }
  | { readonly absent: string };

/** A Python with TensorFlow: `$ESPALIER_PYTHON`, else `python3`. Null where it has none. */
export function pythonWithTensorflow(): string | null {
  const python = process.env['ESPALIER_PYTHON'] ?? 'python3';
  const find = 'import importlib.util as u; raise SystemExit(u.find_spec("tensorflow") is None)';
  try {
    execFileSync(python, ['-c', find], { stdio: 'ignore' });
    return python;
  } catch {
    return null;
  }
}

/** What TensorFlow answers to the calls, in order. */
export async function askTensorflow(python: string, calls: readonly Call[]): Promise<Answer[]> {
  const program = join(import.meta.dirname, 'reference.py');
  const process = spawn(python, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
  const collect = async (stream: AsyncIterable<Buffer>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  process.stdin.end(JSON.stringify(calls));
  const ended = new Promise<number | null>((resolve) => process.once('close', resolve));
  const [answers, complaints, code] = await Promise.all([
    collect(process.stdout),
    collect(process.stderr),
    ended,
  ]);
  if (code !== 0) throw new Error(`${python} ${program} ended with ${code}: ${complaints.slice(-2000)}`);
  return JSON.parse(answers) as Answer[];
}
