/** Errors that are the user's to mend: they are answered with one line. */

/** Something was asked for that cannot be done. The message says how to mend it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Also those of the packages below: what they say needs no stack trace. By name, since a user's own module may have
 * another copy of the package.
 */
const USAGE_ERRORS = new Set([
  'UsageError',
  'DataError',
  'BackendError',
  'BlasError',
  'AcceleratorError',
  'StoreError',
  'LeaseLost',
]);

export function isUsageError(error: unknown): error is Error {
  return error instanceof Error && USAGE_ERRORS.has(error.name);
}

/** What is the user's to mend is said in a line; of anything else, where it happened helps. */
export function messageOf(error: unknown): string {
  if (isUsageError(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Trials failed of which all are needed. */
export class TrialsFailed extends Error {
  override readonly name = 'TrialsFailed';

  /** @param failures a line each */
  constructor(readonly failures: readonly string[]) {
    super(failures.join('\n'));
  }
}
