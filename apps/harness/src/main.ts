/** What `bin/espalier.js` starts: the command, in a process of its own. */
import { outliveReaders } from './closed-pipe.js';
import { watchEnding } from './ending.js';
import { espalier } from './program.js';

outliveReaders(process.stdout, process.stderr);
const ended = watchEnding();
process.exitCode = await espalier(process.argv.slice(2));
ended();
