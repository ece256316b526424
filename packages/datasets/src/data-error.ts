/** Data is missing, damaged, or not what it should be. The message names the file and the way out. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
