/** What is asked of a machine, and what is said where it is not there. All programs are stand-ins. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BackendError } from '../choice.js';
import { findBinding } from './binding.js';
import { addonName, cacheFolder, NODE_API } from './cache.js';
import { cudaWheels, readCudaLog, requirementsForCuda } from './cuda.js';
import { announced } from './download.js';
import { installTensorflow, tensorflowStatus, type InstallOptions } from './install.js';
import { libraryIn } from './library.js';
import { withLock } from './lock.js';
import { forCuda } from './remedy.js';
import { startTensorflow } from './start.js';
import { enterPlace, fakeTensorflow, npmIn, pythonOf, type Place } from './test-fakes.js';

let place: Place;
let site: string;
beforeEach(() => {
  place = enterPlace();
  site = join(place.folder, 'site-packages');
});
afterEach(() => place.leave());

/** The line that an install ends with. */
async function refusal(options: InstallOptions = {}): Promise<string> {
  const error = await installTensorflow(options).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(BackendError);
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  return message;
}

/** An addon as an install leaves it. */
function putAddon(tensorflow: string): string {
  const description = {
    package: { name: '@tensorflow/tfjs-node-gpu', version: '4.22.0' },
    tensorflow: { folder: tensorflow, package: 'tensorflow-cpu', version: '2.21.0', cuda: null },
    source: { kind: 'folder' },
    date: '2026-11-28T00:00:00.000Z',
  } as const;
  const addons = join(cacheFolder(), `${process.platform}-${process.arch}-napi${NODE_API}`);
  const name = addonName(description);
  const binary = join(addons, name, `package/lib/napi-v${NODE_API}`);
  mkdirSync(binary, { recursive: true });
  writeFileSync(join(binary, 'tfjs_binding.node'), '');
  writeFileSync(join(addons, name, 'addon.json'), JSON.stringify(description));
  writeFileSync(join(addons, 'in-use'), `${name}\n`);
  return name;
}

/** Nothing is left of an install that failed: no folder that is half filled, and no lock. */
function expectNothingLeft(): void {
  const names = existsSync(cacheFolder()) ? readdirSync(cacheFolder()) : [];
  expect(names.filter((name) => name.startsWith('.') || name === 'lock')).toEqual([]);
}

describe.skipIf(process.platform !== 'linux')(
  'espalier tensorflow install, for Linux, refuses in a line',
  () => {
    afterEach(expectNothingLeft);

    it('a Python that there is not', async () => {
      expect(await refusal()).toBe(
        'There is no Python called python3: apt-get install python3, or --python names another, or --from names the folder of a TensorFlow',
      );
      expect(await refusal({ python: 'pythonn' })).toContain('no Python called pythonn');
    });

    it('a Python that has no TensorFlow', async () => {
      place.program('python3', pythonOf(null));
      expect(await refusal()).toMatch(
        /^python3 \(Python 3\.11\.2\) has no TensorFlow: python3 -m pip install tensorflow-cpu, .* --download cpu$/,
      );
    });

    it('a Python that fails', async () => {
      place.program('python3', 'echo "SyntaxError: it is Python 2" >&2; exit 1');
      expect(await refusal()).toContain('does not say where its TensorFlow is (SyntaxError: it is Python 2)');
    });

    it('a wheel for another processor', async () => {
      const folder = fakeTensorflow(site, { arch: process.arch === 'x64' ? 'arm64' : 'x64' });
      const other = process.arch === 'x64' ? 'arm64' : 'x64';
      for (const from of [folder, site]) {
        expect(await refusal({ from })).toMatch(
          new RegExp(
            `libtensorflow_cc.so.2 is for ${other}, and this is linux ${process.arch}: take the wheel for it`,
          ),
        );
      }
    });

    it.each([
      ['macOS', 'libtensorflow_cc.2.dylib'],
      ['Windows', 'tensorflow_cc.dll'],
    ])('a wheel for %s', async (system, library) => {
      mkdirSync(join(site, 'tensorflow'), { recursive: true });
      writeFileSync(join(site, 'tensorflow', library), '');
      expect(await refusal({ from: site })).toContain(`is for ${system}, and this is linux ${process.arch}`);
    });

    it('a TensorFlow without headers', async () => {
      const from = fakeTensorflow(site, { headers: false });
      expect(await refusal({ from })).toContain(
        'has no headers (include/tensorflow/c/c_api.h): take a wheel of PyPI',
      );
    });

    it('a folder without a TensorFlow, or that is not there', async () => {
      expect(await refusal({ from: place.folder })).toContain('holds no TensorFlow with its C API');
      expect(await refusal({ from: join(place.folder, 'nowhere') })).toContain('There is no folder ');
    });

    it('a TensorFlow that does not say its version', async () => {
      const from = fakeTensorflow(site);
      rmSync(join(site, 'tensorflow_cpu-2.21.0.dist-info'), { recursive: true });
      expect(await refusal({ from })).toContain('no tensorflow-<version>.dist-info lies beside tensorflow');
    });

    it.each<[string, InstallOptions, string]>([
      ['a folder and a Python', { from: '.', python: 'python3' }, 'without --python and --download'],
      ['a version of what is there', { version: '2.19.0' }, 'add --download cpu or --download cuda'],
      [
        'a version that is none',
        { download: 'cpu', version: 'newest' },
        "as 2.21.0, or 2.21 for the last of them, not 'newest'",
      ],
    ])('%s', async (_, options, message) => {
      expect(await refusal(options)).toContain(message);
    });
  },
);

const bindingInstalled = (await findBinding()).folder !== null;

describe.skipIf(process.platform !== 'linux' || bindingInstalled)(
  'espalier tensorflow install, without tfjs-node-gpu (skipped where npm could install it), refuses in a line',
  () => {
    let from: string;
    beforeEach(() => {
      from = fakeTensorflow(site);
      place.program('npm', npmIn(place));
    });
    afterEach(expectNothingLeft);

    it('that there is no compiler', async () => {
      expect(await refusal({ from })).toBe(
        'The addon is compiled, and there is no C++ compiler (g++, c++, clang++): apt-get install g++, or let CXX name one',
      );
      process.env['CXX'] = 'another-compiler';
      expect(await refusal({ from })).toContain('no C++ compiler (another-compiler)');
    });

    it('that the compiler fails', async () => {
      place.program('g++', 'echo "x.h:1: fatal error: no such thing" >&2; echo more >&2; exit 1');
      expect(await refusal({ from })).toContain(
        'g++ does not compile the addon (x.h:1: fatal error: no such thing)',
      );
    });

    it.each([
      [
        'the compiler',
        'g++',
        'echo "/tmp/x.s: Fatal error: cannot write: No space left on device" >&2; exit 1',
      ],
      ['npm', 'npm', 'echo "npm error ENOSPC: no space left on device, write" >&2; exit 1'],
    ])('that there is no room for %s', async (_, name, script) => {
      place.program(name, script);
      expect(await refusal({ from })).toMatch(/^There is no room for it in .*: make some/);
    });

    it('that there is no npm, or npm has no network', async () => {
      place.program(
        'npm',
        'echo "npm error code ENOTFOUND" >&2; echo "npm error network request failed" >&2; exit 1',
      );
      expect(await refusal({ from })).toContain(
        'npm does not give @tensorflow/tfjs-node-gpu@4.22.0 (network request failed): run the same command again',
      );
      rmSync(join(place.folder, 'bin/npm'));
      expect(await refusal({ from })).toContain('there is no npm on the PATH');
    });

    it('that npm_config_nodedir names no headers', async () => {
      process.env['npm_config_nodedir'] = place.folder;
      expect(await refusal({ from })).toContain('has no include/node/node_api.h');
      delete process.env['npm_config_nodedir'];
    });

    it('and what was in use stays in use', async () => {
      const name = putAddon(fakeTensorflow(join(place.folder, 'other')));
      await refusal({ from });
      place.program('g++', 'exit 1');
      await refusal({ from });
      expect(await tensorflowStatus()).toMatchObject({ inUse: { name }, trouble: null });
    });
  },
);

describe.skipIf(process.platform !== 'linux')('a download', () => {
  afterEach(expectNothingLeft);
  const pip = (script: string) =>
    pythonOf(
      null,
      `case "$*" in *"pip download"*) ${script} ;; *) echo "zipfile.BadZipFile: File is not a zip file" >&2; exit 1 ;; esac`,
    );
  /** Where pip is told to put the wheel. */
  const DEST = 'while [ "$1" != "--dest" ]; do shift; done';

  it.each<[string, string, RegExp]>([
    [
      'that breaks off',
      'echo "ERROR: Could not install packages due to an OSError: IncompleteRead(5 bytes read)" >&2; exit 2',
      /^The download of tensorflow-cpu==2\.21\.\* broke off \(ERROR: .*IncompleteRead.*\): run the same command again/,
    ],
    [
      'without a network',
      'echo "WARNING: Retrying after connection broken by NewConnectionError" >&2; ' +
        'echo "ERROR: No matching distribution found for tensorflow-cpu" >&2; exit 1',
      /^The download of tensorflow-cpu==2\.21\.\* broke off \(pip lost the network\)/,
    ],
    [
      'that comes damaged',
      `${DEST}; echo none > "$2/tf.whl"`,
      /^The wheel tf\.whl came damaged \(zipfile\.BadZipFile.*\): run/,
    ],
    [
      'without room',
      'echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device" >&2; exit 1',
      /^There is no room for it in .*: make some \(TensorFlow takes 1 GB, with CUDA 6 GB\)/,
    ],
    [
      'by a Python without pip',
      'echo "/usr/bin/python3: No module named pip" >&2; exit 1',
      /^python3 has no pip, which takes the wheel: apt-get install python3-pip/,
    ],
    [
      'of a version that there is not',
      'echo "ERROR: Could not find a version that satisfies x (from versions: 2.19.0, 2.21.0, 2.22.0rc0)" >&2; ' +
        'echo "ERROR: No matching distribution found for x" >&2; exit 1',
      /^There is no wheel of tensorflow-cpu==2\.21\.\* for linux \w+: the newest is 2\.21\.0$/,
    ],
  ])('%s is refused in a line', async (_, script, message) => {
    place.program('python3', pip(script));
    expect(await refusal({ download: 'cpu' })).toMatch(message);
  });

  it('asks for the wheel of another Python where there is none for its own', async () => {
    const asked = join(place.folder, 'asked');
    place.program(
      'python3',
      pip(`echo "$*" >> '${asked}'; echo "ERROR: No matching distribution found for x" >&2; exit 1`),
    );
    await refusal({ download: 'cuda', version: '2.19.0' });
    const calls = readFileSync(asked, 'utf8').trim().split('\n');
    expect(calls[0]).toContain('tensorflow==2.19.0');
    expect(calls.map((call) => /--python-version (\S+)/.exec(call)?.[1])).toEqual([
      undefined,
      '3.13',
      '3.12',
      '3.11',
      '3.10',
      '3.9',
    ]);
  });

  it.each([
    [
      'Downloading https://a.b/c/tensorflow_cpu-2.21.0-cp311-linux.whl (268.0 MB)\n',
      'tensorflow_cpu-2.21.0-cp311-linux.whl',
      268e6,
    ],
    [
      'Downloading a.whl (1.2 MB)\n  Downloading b-cu12.whl.metadata (1 kB)\n  Downloading b-cu12.whl (664.8 MB)',
      'b-cu12.whl',
      664.8e6,
    ],
  ])('is announced by pip: %j', (said, file, bytes) => {
    expect(announced(said)).toEqual({ file, bytes });
  });
});

describe.skipIf(process.platform !== 'linux')('two commands at once', () => {
  it('are one, and a line for the other', async () => {
    const from = fakeTensorflow(site);
    await withLock(async () => {
      expect(await refusal({ from })).toMatch(
        new RegExp(
          `^Another espalier tensorflow command is at work \\(process ${process.pid} on ${hostname()}\\): wait`,
        ),
      );
    });
    expectNothingLeft();
  });

  it('are none where one was killed', async () => {
    mkdirSync(cacheFolder(), { recursive: true });
    // No process has this number: they end at 2²².
    writeFileSync(join(cacheFolder(), 'lock'), `4194305 ${hostname()}`);
    mkdirSync(join(cacheFolder(), `.${hostname()}-4194305-0123abcd.partial/wheels`), { recursive: true });
    await refusal({ from: place.folder });
    expectNothingLeft();
    expect(await withLock(async () => 'done')).toBe('done');
    expectNothingLeft();
  });
});

describe('an addon whose TensorFlow was removed', () => {
  it('is not started, and said so in a line', async () => {
    const folder = fakeTensorflow(site);
    putAddon(folder);
    expect((await tensorflowStatus()).trouble).toBeNull();
    rmSync(folder, { recursive: true });
    const message =
      `The TensorFlow 2.21.0 that the addon in use was built for is gone (${folder}/libtensorflow_cc.so.2): ` +
      'espalier tensorflow install --python <command> or --download cpu builds it for another';
    expect((await tensorflowStatus()).trouble).toBe(message);
    await expect(startTensorflow()).rejects.toThrow(new BackendError(message));
  });

  it('is no more than a line either where the addon itself is damaged', async () => {
    const name = putAddon(fakeTensorflow(site));
    writeFileSync(
      join(cacheFolder(), `${process.platform}-${process.arch}-napi${NODE_API}`, name, 'addon.json'),
      '{',
    );
    await expect(startTensorflow()).rejects.toThrow(
      /is in use, and is not whole in .*: espalier tensorflow install/,
    );
  });
});

describe('a library', () => {
  it('is found by its own folder, or the one that it lies in', async () => {
    const folder = fakeTensorflow(site, { wheel: 'tensorflow', version: '2.19.0', cuda: '12.5.1' });
    const library = { folder, package: 'tensorflow', version: '2.19.0', cuda: '12.5.1' };
    expect(await libraryIn(folder)).toEqual(library);
    expect(await libraryIn(site)).toEqual(library);
  });
});

describe('NVIDIA’s wheels', () => {
  // As the wheels of TensorFlow 2.21 and 2.15 have them.
  const metadata = [
    'Requires-Dist: numpy>=1.26.0',
    'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
    "Requires-Dist: nvidia-cudnn-cu12 (==8.9.4.25) ; extra == 'and-cuda'",
    'Requires-Dist: tensorrt ==8.6.1.post1 ; extra == "and-cuda"',
    'Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; sys_platform != "win32" and extra == "gcs-filesystem"',
  ].join('\n');

  it('are those that TensorFlow’s names for CUDA', () => {
    expect(requirementsForCuda(metadata)).toEqual([
      'nvidia-cublas-cu12<13.0,>=12.5.3.2',
      'nvidia-cudnn-cu12==8.9.4.25',
    ]);
  });

  it('are none on the run path of a library without one', async () => {
    expect(await cudaWheels(await libraryIn(fakeTensorflow(site, { metadata })))).toEqual([]);
  });
});

describe('what TensorFlow’s log says of GPUs', () => {
  it('is the cards that it computes on', () => {
    const log =
      'I0000 00:00:17 gpu_device.cc:2019] Created device /job:localhost/replica:0/task:0/device:GPU:0 with 78763 MB memory:' +
      '  -> device: 0, name: NVIDIA H100 80GB HBM3, pci bus id: 0000:1b:00.0, compute capability: 9.0\n';
    expect(readCudaLog(log + log)).toMatchObject({
      devices: ['NVIDIA H100 80GB HBM3, compute capability 9.0'],
      driverless: false,
    });
  });

  it('is the libraries that it has found, and those that it has not', () => {
    const log = [
      'I dso_loader.cc:56] Successfully opened dynamic library libcudart.so.12',
      "I dso_loader.cc:67] Could not load dynamic library 'libcudnn.so.9'; dlerror: no such file",
    ].join('\n');
    expect(readCudaLog(log)).toMatchObject({ opened: ['libcudart.so.12'], missing: ['libcudnn.so.9'] });
  });
});

describe('what a TensorFlow for CUDA lacks', () => {
  const tensorflow = { folder: '/somewhere', package: 'tensorflow', version: '2.21.0', cuda: '12.5.1' };
  const python = { source: { kind: 'python', command: '/venv/bin/python' }, tensorflow } as const;
  const download = { source: { kind: 'download' }, tensorflow } as const;
  const wheels = [
    { name: 'cublas', requirement: 'nvidia-cublas-cu12<13.0', libraries: ['libcublas.so.12'] },
    { name: 'cudnn', requirement: 'nvidia-cudnn-cu12<10.0', libraries: [] },
    { name: 'nvshmem', requirement: null, libraries: [] },
  ];
  const silent = { devices: [], opened: [], missing: [], driverless: false };

  it('is the library that its log names, and pip brings it', () => {
    const log = { ...silent, opened: ['libcublas.so.12'], missing: ['libcudnn.so.9'] };
    expect(forCuda(python, log, wheels, true)).toEqual({
      missing: 'libraries of CUDA: libcudnn.so.9',
      remedy: "/venv/bin/python -m pip install 'tensorflow[and-cuda]==2.21.0'",
    });
  });

  it('is a driver, and the wheels that are not on its run path, where it looked for nothing', () => {
    // As TensorFlow 2.21 says it.
    const log = readCudaLog(
      "I0000 dso_loader.cc:144] Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: cannot open\n" +
        'E0000 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)\n',
    );
    expect(forCuda(download, log, wheels, false)).toEqual({
      missing:
        "a GPU with NVIDIA's driver: /dev/nvidiactl is not there; libraries of CUDA: nvidia-cudnn-cu12",
      remedy: 'espalier tensorflow install --download cuda --tensorflow 2.21.0',
    });
  });

  it('is the part of a driver that computes, in a container that was started without', () => {
    const log = { ...silent, driverless: true };
    expect(forCuda(download, log, [wheels[0]!], true)).toEqual({
      missing:
        "libcuda.so.1, of NVIDIA's driver (in a container: NVIDIA_DRIVER_CAPABILITIES=compute,utility)",
      remedy: null,
    });
  });

  it('is another card where all is there', () => {
    const log = { ...silent, opened: ['libcudnn.so.9'] };
    expect(forCuda(download, log, [wheels[0]!], true).missing).toBe(
      'a card that this TensorFlow is built for',
    );
  });
});
