/** A recipe: a question, the comparison that asks it, and the claims that its answer decides. */
import type { ScaleName } from '@espalier/workloads';

export interface Recipe {
  /** Lower case, words joined by hyphens. */
  readonly name: string;
  /** One line, for lists. */
  readonly title: string;
  /** Where the question comes from. */
  readonly source: string;
  readonly entrants: readonly Entrant[];
  readonly scales: Readonly<Partial<Record<ScaleName, RecipeScale>>>;
  /** What is asked of a comparison at these targets. */
  claims(scale: RecipeScale): readonly Claim[];
  /** The paper's own figures, whatever the scale. */
  readonly paper: readonly PaperFigure[];
}

/** A strategy as it enters a comparison. */
export interface Entrant {
  /** How tables call it. */
  readonly name: string;
  /** A built-in strategy, or a module that exports one. */
  readonly strategy: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The built-in strategy whose settings of a workload's recipe it takes; the strategy itself when absent. */
  readonly settingsOf?: string;
  /** How many times as long as the others it trains; 1 when absent. */
  readonly epochsFactor?: number;
}

/** How much of it is run, and on what. */
export interface RecipeScale {
  readonly workload: string;
  readonly sparsities: readonly number[];
  readonly blockShapes: readonly (readonly [number, number])[];
  readonly seeds: readonly number[];
  /** Training length; the workload's when absent. */
  readonly epochs?: number;
  /** What each strategy may spend on its settings at each target, in trials of the whole length; null where they are given. */
  readonly tuningTrials: number | null;
  /** The key of the measure that claims are about. */
  readonly measure: string;
  /** Where it is another comparison than the paper's: what stands for what. */
  readonly standsFor?: string;
}

export interface Claim {
  readonly id: string;
  /** A whole sentence. */
  readonly statement: string;
  /** The side that is to be the better one. */
  readonly better: Side;
  readonly than: Side;
  /** What the paper saw, in words. */
  readonly paper?: string;
}

/**
 * One side of a claim: an entrant at all targets, or at those that are named. A difference is of each seed, averaged
 * over the targets, which are paired in their order.
 */
export interface Side {
  readonly entrant: string;
  readonly sparsity?: number;
  readonly blockShape?: readonly [number, number];
}

export interface PaperFigure {
  readonly entrant: string;
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  /** Null where it diverged. */
  readonly value: number | null;
}

/** Squares of these sides. */
export function squares(...sides: readonly number[]): readonly (readonly [number, number])[] {
  return sides.map((side) => [side, side] as const);
}
