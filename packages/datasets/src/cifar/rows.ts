/** What a source's files make. */

export const splitNames = ['train', 'test'] as const;
export type Split = (typeof splitNames)[number];

/** Rows of a label and `[32, 32, 3]` pixels, in the order that they are kept in. */
export interface Rows {
  /** Names in the order of the labels. */
  readonly classes: readonly string[];
  /** Of both splits. */
  readonly count: number;
  /** A row may be an array that is filled anew for the next one. */
  readonly splits: Readonly<Record<Split, AsyncIterable<Uint8Array>>>;
}
