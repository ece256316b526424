/** Trials handed out to workers on many machines, by BullMQ: loaded by what asks for a queue, and by nothing else. */
export { handOut, type HandOutOptions } from './hand-out.js';
export { metricsText } from './metrics.js';
export { connect, type ConnectOptions, type QueueServer } from './server.js';
export { watchQueue, type QueueState } from './watch.js';
export { work, type Worked, type WorkOptions } from './work.js';
