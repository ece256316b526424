export function pairs(options: {
  pairs: number;
  seed?: number;
  onPair?: (done: number) => void;
}): Promise<string[]>;
