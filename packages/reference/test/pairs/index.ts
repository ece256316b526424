import { alternating } from './alternating.js';
import { dropAndGrow } from './drop-and-grow.js';
import { forwardSelection } from './forward-selection.js';
import { gradual } from './gradual.js';
import { oneShot } from './one-shot.js';

/** All strategies, by what their searches have in common. */
export const groups = { oneShot, gradual, alternating, forwardSelection, dropAndGrow };
