/** What a share of training is to be, as an argument. */
import { numberIn, type Expected, type Interval } from '@espalier/blocks';

export function shareOfTraining(interval: Interval): Expected {
  return numberIn(interval, 'a share of training');
}
