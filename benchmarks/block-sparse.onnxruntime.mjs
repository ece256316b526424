// onnxruntime-node, where benchmarks/peers has it, and the models of one matrix product that it is timed with: the
// few fields of ONNX that these need, encoded as protocol buffers here (field numbers: onnx.proto of ONNX 1.x).

import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';

import { commandFor } from './peers/peers.mjs';

const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const OPSET = 13;
const IR_VERSION = 8;

/** @throws Error that says how to install it */
export async function onnxruntime() {
  const ort = load();
  const tensor = (shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return new ort.Tensor('float32', Float32Array.from({ length: size }, Math.random), shape);
  };
  const productSession = (product, batch, n, m) => {
    const weight = { name: 'b', shape: [n, m], data: tensor([n, m]).data };
    const models = {
      forward: { op: 'MatMul', inputs: { a: [batch, n] }, weight, output: [batch, m] },
      transposed: { op: 'Gemm', transB: 1, inputs: { a: [batch, m] }, weight, output: [batch, n] },
      gradient: { op: 'Gemm', transA: 1, inputs: { a: [batch, n], b: [batch, m] }, output: [n, m] },
    };
    return ort.InferenceSession.create(modelOf(models[product]), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
    });
  };
  return { tensor, productSession };
}

function load() {
  try {
    return createRequire(new URL('peers/package.json', import.meta.url))('onnxruntime-node');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error(`install it by ${commandFor('onnxruntime')}`, {
      cause: error,
    });
  }
}

/** A model c = op(a, b), where b is an input or a constant. */
function modelOf({ op, transA = 0, transB = 0, inputs, weight, output }) {
  const attribute = (name, value) =>
    Buffer.concat([text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE)]);
  const node = Buffer.concat([
    text(1, 'a'),
    text(1, 'b'),
    text(2, 'c'),
    text(4, op),
    ...(op === 'Gemm' ? [bytes(5, attribute('transA', transA)), bytes(5, attribute('transB', transB))] : []),
  ]);
  const graph = Buffer.concat([
    bytes(1, node),
    text(2, 'product'),
    ...(weight ? [bytes(5, constant(weight))] : []),
    ...Object.entries(inputs).map(([name, shape]) => bytes(11, valueInfo(name, shape))),
    bytes(12, valueInfo('c', output)),
  ]);
  const opset = Buffer.concat([text(1, ''), integer(2, OPSET)]);
  return Buffer.concat([integer(1, IR_VERSION), bytes(7, graph), bytes(8, opset)]);
}

function constant({ name, shape, data }) {
  return Buffer.concat([
    ...shape.map((length) => integer(1, length)),
    integer(2, FLOAT),
    text(8, name),
    bytes(9, Buffer.from(data.buffer)),
  ]);
}

function valueInfo(name, shape) {
  const dimensions = Buffer.concat(shape.map((length) => bytes(1, integer(1, length))));
  const tensorType = Buffer.concat([integer(1, FLOAT), bytes(2, dimensions)]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensorType))]);
}

function integer(field, value) {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function text(field, value) {
  return bytes(field, Buffer.from(value));
}

function bytes(field, value) {
  return Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
}

function varint(value) {
  const digits = [];
  for (; value > 127; value = Math.floor(value / 128)) digits.push((value % 128) | 128);
  return Buffer.from([...digits, value]);
}
