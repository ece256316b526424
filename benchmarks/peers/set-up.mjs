// Sets up what the benchmarks compare with, in pinned versions: PyTorch, TensorFlow and JAX, each in a virtual environment
// under environments/, and onnxruntime-node in node_modules.
//
//   node benchmarks/peers/set-up.mjs [torch tensorflow jax onnxruntime] [--python python3]
//
// All four where none is named: some 7 GB, half of it CUDA's libraries, without which the PyTorch of PyPI does not load. What
// is there already is left; what was broken off is gone on with. Needs Python 3.11 or later with its module venv.

import { parseArgs } from 'node:util';

import { PEERS } from './peers.mjs';
import { setUpNode, setUpPython } from './set-up-one.mjs';

const { python, peers } = asked();
for (const peer of peers) {
  try {
    const done = peer === 'onnxruntime' ? await setUpNode() : await setUpPython(peer, { python });
    process.stderr.write(`${peer}: ${done}\n`);
  } catch (error) {
    end(`${peer} was not set up: ${error.message}`, 1);
  }
}

function asked() {
  const allowed = `give some of ${PEERS.join(', ')}, and perhaps --python <command>`;
  const { tokens } = parseArgs({
    options: { python: { type: 'string' } },
    strict: false,
    tokens: true,
  });
  const peers = [];
  let python;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (!PEERS.includes(token.value)) end(`there is no peer '${token.value}': ${allowed}`, 2);
      if (peers.includes(token.value)) end(`${token.value} is given twice: give it once`, 2);
      peers.push(token.value);
    } else if (token.kind === 'option' && token.name === 'python') {
      if (python !== undefined) end('--python is given twice: give it once', 2);
      if (!token.value || token.value.startsWith('--')) end('--python has no value: give a command', 2);
      python = token.value;
    } else {
      end(`there is no option ${token.rawName ?? '--'}: ${allowed}`, 2);
    }
  }
  return { peers: peers.length > 0 ? peers : PEERS, python: python ?? 'python3' };
}

function end(message, code) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(code);
}
