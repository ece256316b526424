/** Criteo's Display Advertising Challenge: for Node. */
export { loadCriteo, type Criteo, type CriteoSettings } from './criteo.js';
