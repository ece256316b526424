/** What grew over the steps; empty where nothing did. */
export function flatMemory(how: {
  readonly steps: number;
  readonly runSteps: number;
  readonly onRun?: (line: string) => void;
}): Promise<string[]>;
