export function fuzz(
  part: 'kernels' | 'models' | 'checkpoints',
  options: { cases: number; seed?: number; onCase?: (done: number) => void },
): Promise<string[]>;
