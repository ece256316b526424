/** What is asked of a Python: where its TensorFlow lies. It is not imported, which takes seconds. */
import { BackendError } from '../choice.js';
import { complaintOf, run } from './run.js';

const WHERE = `
import importlib.util, json, sys
sys.path = [folder for folder in sys.path if folder]
spec = importlib.util.find_spec('tensorflow')
folders = list(spec.submodule_search_locations or []) if spec else []
print(json.dumps({'version': sys.version.split()[0], 'folder': folders[0] if folders else None}))
`;

/**
 * The folder of a Python's package `tensorflow`.
 *
 * @throws BackendError, one line, when there is no such Python, or it has no TensorFlow
 */
export async function tensorflowOf(python: string, signal?: AbortSignal): Promise<string> {
  const ended = await run(python, ['-c', WHERE], { signal });
  if (!ended) throw noPython(python);
  const answer = ended.code === 0 ? parse(ended.stdout) : null;
  if (!answer) {
    throw new BackendError(
      `${python} does not say where its TensorFlow is (${complaintOf(ended)}): --python names another`,
    );
  }
  if (answer.folder !== null) return answer.folder;
  throw new BackendError(
    `${python} (Python ${answer.version}) has no TensorFlow: ${python} -m pip install tensorflow-cpu, another one by ` +
      '--python, or espalier tensorflow install --download cpu',
  );
}

export function noPython(python: string): BackendError {
  return new BackendError(
    `There is no Python called ${python}: apt-get install python3, or --python names another, or --from names the folder ` +
      'of a TensorFlow',
  );
}

function parse(stdout: string): { version: string; folder: string | null } | null {
  try {
    // What a site's own start-up prints comes before.
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } catch {
    return null;
  }
}
