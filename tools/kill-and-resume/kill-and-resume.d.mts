export function killAndResume(options: {
  kills: number;
  how?: 'processes' | 'in-place';
  seed?: number;
  onKill?: (done: number) => void;
}): Promise<string[]>;
