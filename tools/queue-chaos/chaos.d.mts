export interface ChaosOptions {
  readonly kind: 'redis' | 'postgres';
  readonly trials: number;
  readonly workers: number;
  readonly kills: number;
  readonly restarts: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly say?: (line: string) => void;
}

/** What was not as it is to be, a line each; and what was counted. */
export function chaos(
  options: ChaosOptions,
): Promise<{ readonly wrong: string[]; readonly counted: Record<string, unknown> }>;
