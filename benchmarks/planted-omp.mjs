/**
 * Orthogonal matching pursuit on the planted task without any training: an exact least-squares fit after each
 * of ten rounds. Shows what the noise of a batch's gradient and the scales of the inputs cost it.
 *
 *     node benchmarks/planted-omp.mjs
 */
import { topK } from '@espalier/core';
import { permutation, plantedBlocks, random } from '@espalier/datasets';
import { plantedBlocksSettings as settings } from '@espalier/workloads/planted-blocks';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

import { readOptions } from './command-line.mjs';

readOptions({});

const { inputs, outputs, trainExamples, density, blockShape } = settings;
const [blockRows, blockColumns] = blockShape;
const gridColumns = outputs / blockColumns;
const blocks = (inputs / blockRows) * gridColumns;
const k = Math.round(blocks * density);
const ROUNDS = 10;

/** Squared norm of each block of a matrix `[inputs, outputs]`, row by row. */
function blockScores(matrix) {
  const scores = new Float64Array(blocks);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) {
      scores[Math.floor(i / blockRows) * gridColumns + Math.floor(j / blockColumns)] += matrix.get(i, j) ** 2;
    }
  }
  return scores;
}

/** The least-squares weights on a support: each column of blocks is a problem of its own. */
function fit(gram, correlation, support) {
  const weights = Matrix.zeros(inputs, outputs);
  for (let column = 0; column < gridColumns; column++) {
    const rows = Array.from({ length: inputs }, (_, i) => i).filter(
      (i) => support[Math.floor(i / blockRows) * gridColumns + column],
    );
    if (rows.length === 0) continue;
    const columns = Array.from({ length: blockColumns }, (_, j) => column * blockColumns + j);
    const solved = new CholeskyDecomposition(gram.selection(rows, rows)).solve(
      correlation.selection(rows, columns),
    );
    rows.forEach((i, r) => columns.forEach((j, c) => weights.set(i, j, solved.get(r, c))));
  }
  return weights;
}

/** @param sample the examples that a round's gradient is of; given the round */
function matchingPursuit(x, y, sample) {
  const gram = x.transpose().mmul(x);
  const correlation = x.transpose().mmul(y);
  let support = new Uint8Array(blocks);
  let weights = Matrix.zeros(inputs, outputs);
  for (let round = 1; round <= ROUNDS; round++) {
    const rows = sample(round);
    const part = x.subMatrixRow(rows);
    const gradient = part.transpose().mmul(part.mmul(weights).sub(y.subMatrixRow(rows)));
    const scores = blockScores(gradient).map((score, block) => (support[block] ? Infinity : score));
    support = topK(scores, Math.ceil((k * round) / ROUNDS));
    weights = fit(gram, correlation, support);
  }
  return support;
}

function recovery(seed, examples, standardised) {
  const { train, weights } = plantedBlocks(seed, settings);
  const all = train.gather(Int32Array.from({ length: trainExamples }, (_, i) => i));
  const x = Matrix.from1DArray(trainExamples, inputs, all.inputs);
  if (standardised) x.divRowVector(x.standardDeviation('column'));
  const y = Matrix.from1DArray(trainExamples, outputs, all.targets);
  const sample = (round) =>
    Array.from(permutation(trainExamples, random(seed, `planted-omp/${round}`)).subarray(0, examples));
  const found = matchingPursuit(x, y, sample);
  const planted = blockScores(Matrix.from1DArray(inputs, outputs, weights)).map((score) => Number(score > 0));
  const hits = planted.filter((bit, block) => bit && found[block]).length;
  return hits / planted.reduce((a, b) => a + b);
}

const seeds = [0, 1, 2, 3, 4];
const cases = [
  ['one batch of 64', 64, false],
  ['640 examples', 640, false],
  [`all ${trainExamples} examples`, trainExamples, false],
  [`all ${trainExamples}, the inputs scaled to variance 1`, trainExamples, true],
];
console.table(
  cases.map(([gradient, examples, standardised]) => {
    const values = seeds.map((seed) => recovery(seed, examples, standardised));
    const mean = values.reduce((a, b) => a + b) / seeds.length;
    return { 'the gradient is of': gradient, 'support recovery': `${(100 * mean).toFixed(1)}%` };
  }),
);
