/** How far a data set's preparation is: reading what was downloaded once, into what is read often. */
export interface PreparationProgress {
  /** In a few words: 'reading images'. */
  readonly what: string;
  readonly done: number;
  /** Null where it is not known beforehand. */
  readonly total: number | null;
}
