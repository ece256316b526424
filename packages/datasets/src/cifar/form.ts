/** What sets CIFAR-10 and CIFAR-100 apart. */
import type { ChannelStatistics } from '../images/normalisation.js';

export interface CifarForm {
  /** Of the folder under the data folder. */
  readonly name: string;
  /** For messages. */
  readonly title: string;
  /** The official names in the order of the labels, which is that of the alphabet too. */
  readonly classes: readonly string[];
  /** The binary release's files. A row is the labels, and 1024 bytes each of red, green and blue, row by row. */
  readonly release: {
    readonly train: readonly string[];
    readonly test: readonly string[];
    /** Bytes before the pixels; the last of them is the class. */
    readonly labelBytes: number;
  };
  /** The folder that its archive unpacks to. */
  readonly releaseFolder: string;
  readonly releaseArchive: string;
  readonly statistics: ChannelStatistics;
}

/** Height and width of an image. */
export const SIDE = 32;
export const PIXELS = SIDE * SIDE;
/** Red, green and blue. */
export const CHANNELS = 3;
/** Of a prepared row: the label, then `[height, width, channels]`. */
export const ROW_BYTES = 1 + PIXELS * CHANNELS;
