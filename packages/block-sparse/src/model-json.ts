/** The topology of a model as `model.toJSON` gives it, in the naming of Keras. */
import type { PatternText } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import { NO_CHECKSUM } from './layers/layer-checksum.js';

export interface LayerJson {
  class_name: string;
  config: {
    name?: string;
    /** Of a model. */
    layers?: LayerJson[];
    /** Of a wrapper. */
    layer?: LayerJson;
    [field: string]: unknown;
  };
}

/** The topology of a model, all of whose weights are read first: block-sparse layers put checksums of theirs into it. */
export async function topologyOf(model: tf.LayersModel): Promise<LayerJson> {
  // On webgpu nothing is read from the device but asynchronously; what was read once is kept beside it.
  await Promise.all(model.weights.map((weight) => weight.read().data()));
  return model.toJSON(null, false) as unknown as LayerJson;
}

/** The two directions of a `Bidirectional`, whose layers are named after the one that they are made of. */
const DIRECTIONS = ['forward', 'backward'] as const;

/** Where a layer's patterns are written down. */
export interface KernelHolder {
  readonly className: string;
  /** Lets it be a block-sparse layer, whose kernel of this field has the pattern. */
  store(field: string, pattern: PatternText): void;
}

/**
 * What holds kernels inside a model, by its path there: every layer, and each direction of a `Bidirectional`.
 *
 * @param nameOf the class of block-sparse layers for each of plain ones
 */
export function* kernelHolders(
  json: LayerJson,
  nameOf: (plain: string) => string,
): Generator<[path: string, holder: KernelHolder]> {
  for (const [path, layer] of layerJsons(json)) {
    const plain = layer.class_name;
    const place = (patterns: object) => {
      layer.class_name = nameOf(plain);
      layer.config['blockSparse'] = { ...(layer.config['blockSparse'] as object), ...patterns };
    };
    if (plain === 'RNN') {
      for (const [cellPath, cell] of cellJsons(layer, path)) {
        const { class_name: className } = cell;
        const store: KernelHolder['store'] = (field, pattern) => {
          layer.class_name = nameOf(plain);
          cell.class_name = nameOf(className);
          const patterns = { ...(cell.config['blockSparse'] as object), [field]: pattern };
          Object.assign(cell.config, { blockSparse: patterns, checksum: NO_CHECKSUM });
        };
        yield [cellPath, { className, store }];
      }
      continue;
    }
    if (plain !== 'Bidirectional') {
      const store: KernelHolder['store'] = (field, pattern) => {
        place({ [field]: pattern });
        // Its weights come from the model, not from a file.
        layer.config['checksum'] = NO_CHECKSUM;
      };
      yield [path, { className: plain, store }];
      continue;
    }
    const { class_name: className, config } = layer.config.layer!;
    for (const direction of DIRECTIONS) {
      const patterns: Record<string, PatternText> = {};
      const store: KernelHolder['store'] = (field, pattern) => {
        patterns[field] = pattern;
        place({ [direction]: { blockSparse: patterns, checksum: NO_CHECKSUM } });
      };
      yield [`${path}/${direction}_${config.name}`, { className, store }];
    }
  }
}

/**
 * The layers inside a model by their path there, the names from the outside in, as core names kernels. The layers
 * of models inside it and those under TimeDistributed are among them; those under Bidirectional are not, as both
 * directions are made of one configuration: see `kernelHolders`.
 */
export function* layerJsons(container: LayerJson, path = ''): Generator<[path: string, layer: LayerJson]> {
  const { layers, layer } = container.config;
  const nested = container.class_name === 'TimeDistributed' && layer ? [layer] : (layers ?? []);
  for (const inner of nested) {
    const innerPath = [path, inner.config.name].filter(Boolean).join('/');
    yield [innerPath, inner];
    yield* layerJsons(inner, innerPath);
  }
}

/** The cells of an `RNN` by their path, as core names their kernels: one alone by that of the layer. */
export function cellJsons({ config }: LayerJson, path: string): [path: string, cell: LayerJson][] {
  const cell = config['cell'] as (LayerJson & { config: { cells?: LayerJson[] } }) | undefined;
  if (!cell) return [];
  const { cells } = cell.config;
  return cells ? cells.map((each) => [`${path}/${each.config.name}`, each]) : [[path, cell]];
}

/** Patterns by the field of their kernel, and the checksum of what they are part of. */
export interface StoredJson {
  block_sparse: Record<string, { range_per_block?: boolean }>;
  checksum?: string;
}

/** What block-sparse layers inside a model hold of patterns, by the paths of `kernelHolders`. */
export function* storedJsons(json: LayerJson): Generator<[path: string, stored: StoredJson]> {
  for (const [path, layer] of layerJsons(json)) {
    const { class_name: className, config } = layer;
    if (className === 'BlockSparseRNN') {
      for (const [cellPath, { config: own }] of cellJsons(layer, path)) {
        if ('block_sparse' in own) yield [cellPath, own as unknown as StoredJson];
      }
    }
    if (!('block_sparse' in config)) continue;
    if (className !== 'BlockSparseBidirectional') {
      yield [path, config as unknown as StoredJson];
      continue;
    }
    const directions = config['block_sparse'] as Record<string, StoredJson>;
    for (const [direction, stored] of Object.entries(directions)) {
      yield [`${path}/${direction}_${config.layer!.config.name}`, stored];
    }
  }
}
