/** The options that the commands for one model have in common. */
import { InvalidArgumentError, type Command as Commander } from 'commander';

import * as options from '../options.js';

/** One value where other commands take several. */
function one<T>(parse: (text: string) => T[], what: string): (text: string) => T {
  return (text) => {
    const [first, ...others] = parse(text);
    if (others.length > 0) throw new InvalidArgumentError(`give one ${what}`);
    return first as T;
  };
}

const block = one(options.blockShapes, 'block shape');

export const blockOption = (command: Commander, fallback?: [number, number]): Commander =>
  command.option('--block <16x16>', 'rows × columns of a block', block, fallback);

/** Where it is computed. */
export const backendOption = (command: Commander): Commander =>
  command.option('--backend <auto,tensorflow,webgpu,wasm,cpu>', 'where to compute', options.backend, 'auto');

/** How far to prune. */
export const modelTarget = (command: Commander, sparsity: string): Commander =>
  backendOption(
    blockOption(command, [16, 16])
      .option(
        '--sparsity <0.9>',
        'share of blocks to prune',
        one(options.sparsities, 'sparsity'),
        Number(sparsity),
      )
      .option(
        '--allocation <uniform,global,erdos-renyi-kernel>',
        'how the budget is shared over the layers (default: uniform)',
        one(options.allocationNames, 'allocation'),
      )
      .option('--minimum-blocks <n>', 'kernels with fewer blocks stay dense', options.minimumBlocks, 100),
  );

export const quantizeOption = (command: Commander): Commander =>
  command.option(
    '--quantize <float16,uint16,uint8,uint8-block>',
    'fewer bits for each weight of a kernel in the file (default: float32)',
    options.oneNameOf('precision', ['float32', 'float16', 'uint16', 'uint8', 'uint8-block']),
  );
