/** The topology of a model as `model.toJSON` gives it, in the naming of Keras. */

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

/**
 * The layers inside a model by their path there, the names from the outside in, as core names kernels. The layers
 * of models inside it and those under TimeDistributed are among them; those under Bidirectional are not, as both
 * directions are made of one configuration.
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
