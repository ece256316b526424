/** What is chosen on the page: plain data, which the worker is handed. */
import type { StrategyName } from './strategy-names.js';

export type Data =
  | { readonly kind: 'planted-blocks' }
  | { readonly kind: 'digits-mlp' }
  | {
      readonly kind: 'table';
      readonly name: string;
      readonly text: string;
      /** Between two values. */
      readonly delimiter: string;
      /** What is to be learned, by its name. */
      readonly column: string;
      readonly learned: 'classes' | 'numbers';
    }
  | {
      readonly kind: 'images';
      /** `[images, side, side, 3]`. */
      readonly pixels: Uint8Array;
      readonly side: number;
      /** A class for each. */
      readonly labels: readonly string[];
    };

export type Network =
  /** As the command has it, for what the command knows. */
  | { readonly kind: 'own' }
  | { readonly kind: 'perceptron'; readonly hidden: readonly number[] }
  | { readonly kind: 'convolutions' };

export type BackendChoice = 'auto' | 'webgpu' | 'wasm';

export interface Choice {
  readonly data: Data;
  readonly network: Network;
  /** Beside the dense baseline. */
  readonly strategies: readonly StrategyName[];
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  readonly epochs: number;
  readonly seed: number;
  readonly backend: BackendChoice;
}
