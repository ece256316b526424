export function killAndResume(options: {
  kills: number;
  how?: 'processes' | 'in-place';
  /** By name; a few when absent. */
  strategies?: string;
  seed?: number;
  onKill?: (done: number) => void;
}): Promise<string[]>;
