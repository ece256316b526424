/** Files that are made to do harm, by every way in which they are read: an error that says what is wrong, soon, in little memory. */
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { checked, compress, withoutChecksums } from '../index.js';
import { fileSystem } from '../node.js';
import { fillBlockSparse } from '../test-support.js';

let root: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'espalier-hostile-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Two inputs, a model inside, a layer that is called twice: what a graph of layers can have. */
async function saved(): Promise<tf.io.ModelArtifacts> {
  const [a, b] = [tf.input({ shape: [8], name: 'a' }), tf.input({ shape: [8], name: 'b' })];
  const shared = tf.layers.dense({ units: 8, name: 'shared' });
  const inner = tf.sequential({
    layers: [tf.layers.dense({ units: 8, inputShape: [8], name: 'deep' })],
    name: 'inner',
  });
  const both = [a, b].map((input) => shared.apply(input) as tf.SymbolicTensor);
  const sum = tf.layers.add({ name: 'sum' }).apply(both) as tf.SymbolicTensor;
  const outputs = inner.apply(sum) as tf.SymbolicTensor;
  const model = tf.model({ inputs: [a, b], outputs });
  fillBlockSparse(model, [4, 4], 0.5);
  const small = await compress(model, { blockShape: [4, 4] });
  let artifacts!: tf.io.ModelArtifacts;
  await small.save(
    tf.io.withSaveHandler(async (own) => {
      artifacts = JSON.parse(JSON.stringify({ ...own, weightData: undefined })) as tf.io.ModelArtifacts;
      artifacts.weightData = (own.weightData as ArrayBuffer).slice(0);
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  model.dispose();
  small.dispose();
  return artifacts;
}

type Layer = {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes: unknown[][][];
};
const layersOf = ({ modelTopology }: tf.io.ModelArtifacts) =>
  (modelTopology as { config: { layers: Layer[] } }).config.layers;
const layerOf = (artifacts: tf.io.ModelArtifacts, name: string) =>
  layersOf(artifacts).find((layer) => layer.name === name)!;

let count = 0;
/** In a folder, as a file. */
async function folderOf({ weightData, weightSpecs, ...rest }: tf.io.ModelArtifacts): Promise<string> {
  const folder = join(root, String(count++));
  await mkdir(folder);
  await writeFile(join(folder, 'w.bin'), new Uint8Array(weightData as ArrayBuffer));
  const weightsManifest = [{ paths: ['w.bin'], weights: weightSpecs }];
  await writeFile(join(folder, 'model.json'), JSON.stringify({ ...rest, weightsManifest }));
  return folder;
}

const message = async (loading: Promise<tf.LayersModel>) => {
  try {
    (await loading).dispose();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
};

/** The handler that a hostile file goes through `checked` with: its checksums are right. */
async function guarded(artifacts: tf.io.ModelArtifacts): Promise<tf.io.ModelArtifacts> {
  let own!: tf.io.ModelArtifacts;
  const keep = async (given: tf.io.ModelArtifacts) => {
    own = given;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
  };
  await checked({ save: keep }).save!(artifacts);
  return own;
}

const nested = (depth: number) => {
  const outermost: { class_name: string; config: { name: string; layers: unknown[] } } = {
    class_name: 'Sequential',
    config: { name: 'm', layers: [] },
  };
  let innermost = outermost;
  for (let i = 0; i < depth; i++) {
    const next = { class_name: 'Sequential', config: { name: `m${i}`, layers: [] } };
    innermost.config.layers.push(next);
    innermost = next;
  }
  return outermost;
};

describe('a topology that', () => {
  it.each<[string, (artifacts: tf.io.ModelArtifacts) => void, string]>([
    ['goes in a circle', (own) => (layerOf(own, 'shared').inbound_nodes[0]![0]![0] = 'sum'), 'waits for'],
    ['waits for itself', (own) => (layerOf(own, 'sum').inbound_nodes[0]![0]![0] = 'sum'), 'waits for sum'],
    ['goes in a circle through a model inside', (own) => (layerOf(own, 'shared').inbound_nodes[0]![0] = ['inner', 1, 0, {}]), 'waits for'], // prettier-ignore
    [
      'names a layer that there is not',
      (own) => (layerOf(own, 'sum').inbound_nodes[0]![0]![0] = 'other'),
      'sum waits for other',
    ],
    ['is called on what is no result', (own) => layerOf(own, 'sum').inbound_nodes[0]!.push({} as never), 'sum waits for undefined'], // prettier-ignore
    ['has two names for a layer', (own) => (layerOf(own, 'sum').config['name'] = 'shared'), "has a layer 'sum' (a string) whose configuration is named 'shared'"], // prettier-ignore
    ['has an input that there is not', (own) => ((own.modelTopology as { config: { input_layers: unknown[][] } }).config.input_layers[0]![0] = -1), 'has -1 among its inputs or outputs'], // prettier-ignore
    [
      'asks for a call that there is not',
      (own) => (layerOf(own, 'sum').inbound_nodes[0]![0]![1] = 2),
      'sum waits for shared',
    ],
    [
      'is nested deeper than any stack',
      (own) => (own.modelTopology = nested(20_000)),
      'is nested more than 1000 deep',
    ],
    [
      'has a circle deep inside',
      (own) => {
        const inner = {
          class_name: 'Functional',
          config: { name: 'f', layers: layersOf(structuredClone(own)) },
        };
        layersOf({ modelTopology: inner } as tf.io.ModelArtifacts).forEach((layer) => (layer.inbound_nodes = [[['sum', 0, 0, {}]]])); // prettier-ignore
        layerOf(own, 'inner').config['layers'] = [inner];
      },
      'has a graph that cannot be built',
    ],
  ])('%s', async (_, edit, expected) => {
    const artifacts = await saved();
    edit(artifacts);
    const readers = {
      fileSystem: async () => fileSystem(await folderOf(artifacts)),
      checked: async () => {
        // What is too deep for JSON.stringify cannot be given checksums either.
        const own = expected.includes('deep') ? artifacts : await guarded(artifacts);
        return checked({ load: async () => own });
      },
      withoutChecksums: async () => withoutChecksums({ load: async () => artifacts }),
    };
    for (const [reader, handler] of Object.entries(readers)) {
      if (reader === 'fileSystem' && expected.includes('deep')) continue;
      const said = await message(tf.loadLayersModel(await handler()));
      expect(said, reader).toContain(`RangeError: The model's file `);
      expect(said, reader).toContain(expected);
    }
  });

  it('is right is read by all of them', async () => {
    const artifacts = await saved();
    const own = await guarded(artifacts);
    const handlers = [
      fileSystem(await folderOf(artifacts)),
      checked({ load: async () => own }),
      withoutChecksums({ load: async () => artifacts }),
    ];
    for (const handler of handlers)
      expect(await message(tf.loadLayersModel(handler))).toBe('nothing was thrown');
  });

  it('is JSON of a hundred thousand brackets', async () => {
    const folder = await folderOf(await saved());
    await writeFile(
      join(folder, 'model.json'),
      `{"modelTopology":${'['.repeat(1e5)}${']'.repeat(1e5)},"weightsManifest":[]}`,
    );
    expect(await message(tf.loadLayersModel(fileSystem(folder)))).toMatch(/RangeError: .*(deep|damaged)/);
  });
});

describe('weights', () => {
  const edited = async (
    edit: (manifest: Record<string, unknown>[], specs: Record<string, unknown>[], folder: string) => unknown,
  ) => {
    const folder = await folderOf(await saved());
    const path = join(folder, 'model.json');
    const json = JSON.parse(await readFile(path, 'utf8')) as { weightsManifest: Record<string, unknown>[] };
    await edit(
      json.weightsManifest,
      json.weightsManifest[0]!['weights'] as Record<string, unknown>[],
      folder,
    );
    await writeFile(path, JSON.stringify(json));
    return message(tf.loadLayersModel(fileSystem(folder)));
  };
  it.each<[string, Parameters<typeof edited>[0], string]>([
    ['a group that is null', (manifest) => manifest.push(null as never), 'has null in its weightsManifest'],
    [
      'a group that is null',
      (manifest) => manifest.push({ paths: 'w.bin' }),
      'has an object of paths in its weightsManifest',
    ],
    [
      'a weight that is null',
      (_, specs) => specs.push(null as never),
      'tells of undefined as undefined of shape undefined',
    ],
    ['a weight without a shape', (_, specs) => delete specs[0]!['shape'], 'of shape undefined'],
    [
      'lengths below 0 whose product is above',
      (_, specs) => (specs[0]!['shape'] = [-4, -4]),
      'of shape [-4, -4]',
    ],
    ['lengths of parts', (_, specs) => (specs[0]!['shape'] = [0.5, 32]), 'of shape [0.5, 32]'],
    [
      'a product beyond all numbers',
      (_, specs) => (specs[0]!['shape'] = new Array<number>(99).fill(2 ** 52)),
      'tells of',
    ],
    ['a dtype that there is not', (_, specs) => (specs[0]!['dtype'] = 'float8'), "as 'float8' (a string)"],
    [
      'a dtype that every object has',
      (_, specs) => (specs[0]!['dtype'] = 'toString'),
      "as 'toString' (a string)",
    ],
    [
      'codes of a dtype that there is not',
      (_, specs) => (specs[0]!['quantization'] = { dtype: 'constructor' }),
      "as 'constructor'",
    ],
    [
      'codes without a range',
      (_, specs) => Object.assign(specs[0]!, { quantization: { dtype: 'uint8' } }),
      'which are no float32',
    ],
    ['codes of infinity', (_, specs) => Object.assign(specs[0]!, { quantization: { dtype: 'uint8', min: 0, scale: 1e38 } }), 'from 0 on in steps of 1e+38, which are no float32'], // prettier-ignore
    [
      'a file once more and more',
      (manifest) => (manifest[0]!['paths'] = new Array<string>(1e4).fill('w.bin')),
      'w.bin twice among its weights',
    ],
    [
      'a file of 64 GiB',
      (_, __, folder) => truncate(join(folder, 'w.bin'), 64 * 2 ** 30),
      'names 68719476736 bytes of weights or more',
    ],
    ['a folder', async (manifest, _, folder) => { await mkdir(join(folder, 'd')); manifest[0]!['paths'] = ['d']; }, 'd is no file'], // prettier-ignore
    ['a device without end', async (manifest, _, folder) => { await symlink('/dev/zero', join(folder, 'z')); manifest[0]!['paths'] = ['z']; }, 'is no file'], // prettier-ignore
  ])('%s', async (_, edit, expected) => {
    const said = await edited(edit);
    expect(said).toMatch(/^(RangeError|Error): /);
    expect(said).toContain(expected);
    expect(said).not.toContain('\n');
  });
});

describe('the configuration of a layer', () => {
  const edited = async (edit: (config: Record<string, unknown>, layer: Layer) => void) => {
    const layer = tf.layers.bidirectional({
      layer: tf.layers.gru({ units: 4 }) as tf.RNN,
      mergeMode: 'concat',
      inputShape: [5, 8],
      name: 'both',
    });
    const cells = tf.layers.rnn({ cell: [tf.layers.lstmCell({ units: 4 })], name: 'cells' });
    const model = tf.sequential({ layers: [layer, tf.layers.repeatVector({ n: 2 }), cells] });
    fillBlockSparse(model, [4, 4], 0.5);
    const small = await compress(model, { blockShape: [4, 4] });
    let artifacts!: tf.io.ModelArtifacts;
    await small.save(
      tf.io.withSaveHandler(async (own) => {
        artifacts = { ...(JSON.parse(JSON.stringify({ ...own, weightData: [] })) as object), weightData: own.weightData! } as tf.io.ModelArtifacts; // prettier-ignore
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
    );
    model.dispose();
    small.dispose();
    return { artifacts, edit: () => layersOf(artifacts).forEach((each) => edit(each.config, each)) };
  };
  it.each<[string, (config: Record<string, unknown>, layer: Layer) => void]>([
    [
      'without directions',
      (config, { class_name: own }) => own === 'BlockSparseBidirectional' && delete config['block_sparse'],
    ],
    ['of directions that are text', (config, { class_name: own }) => own === 'BlockSparseBidirectional' && (config['block_sparse'] = 'forward')], // prettier-ignore
    ['of a direction that is null', (config, { class_name: own }) => own === 'BlockSparseBidirectional' && (config['block_sparse'] = { forward: null, backward: 3 })], // prettier-ignore
    ['without a cell', (config, { class_name: own }) => own === 'BlockSparseRNN' && delete config['cell']],
    ['of a cell without its patterns', (config) => delete (config['cell'] as { config?: { cells?: { config: Record<string, unknown> }[] } } | undefined)?.config?.cells?.[0]?.config['block_sparse']], // prettier-ignore
    ['of a cell without a checksum', (config) => delete (config['cell'] as { config?: { cells?: { config: Record<string, unknown> }[] } } | undefined)?.config?.cells?.[0]?.config['checksum']], // prettier-ignore
  ])('%s is refused with an error', async (_, edit) => {
    const { artifacts, edit: apply } = await edited((config, layer) => edit(config, layer));
    expect(await message(tf.loadLayersModel(tf.io.fromMemory(artifacts)))).toBe('nothing was thrown');
    apply();
    const said = await message(tf.loadLayersModel(tf.io.fromMemory(artifacts)));
    expect(said).toMatch(/^\w*Error: ./);
    expect(said).not.toMatch(/Cannot (read|destructure)/);
    tf.disposeVariables();
  });
});
