/**
 * What is measured of a trial. Each measure is one value in a file of `measures/`, which says its own place among the
 * columns; tables, files and statistics are made of the list of them.
 */
import type { MeasureDescription, QualityMeasure } from '@espalier/workloads';

import type { FinishedRun } from './trial/run.js';

/** Of a trained model, whatever its task. */
export interface RunMeasure extends MeasureDescription {
  /** Whether a run that diverged has it too. */
  readonly ofDiverged?: boolean;
  /** Null where there is nothing to say. */
  measure(run: FinishedRun): number | null | Promise<number | null>;
}

export type Measure = QualityMeasure | RunMeasure;

export function isQuality(measure: Measure): measure is QualityMeasure {
  return 'accumulator' in measure;
}

/** What is kept of a measure with the results: all but what it computes. */
export function describe(measure: Measure): MeasureDescription {
  return JSON.parse(JSON.stringify(measure)) as MeasureDescription;
}
