import { describe, expect, it } from 'vitest';
import { candidates } from './candidates.js';
import type { Koffi } from '../native/koffi.js';
import { open } from './library.js';

/** A koffi whose libraries have the functions given, by name. */
function koffiWith(functions: Record<string, (...args: never[]) => unknown>): Koffi {
  const func = (name: string) => {
    if (functions[name]) return functions[name];
    throw new Error(`Cannot find function '${name}' in shared library`);
  };
  return { load: () => ({ func }), address: () => 4096n } as unknown as Koffi;
}

const sgemm = () => undefined;

describe('a BLAS library', () => {
  it('is known by the functions that its make has beside the standard', () => {
    const threads: unknown[] = [];
    const set = (count: number) => threads.push(count);
    const config = 'OpenBLAS 0.3.27 DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64';
    const openBlas = koffiWith({
      cblas_sgemm: sgemm,
      openblas_get_config: () => config,
      openblas_set_num_threads: set,
    });
    const mkl = koffiWith({
      cblas_sgemm: sgemm,
      MKL_Set_Num_Threads: set,
      MKL_Get_Version_String: (text: Buffer) => text.write('Math Kernel Library Version 2024.2-Product\0'),
    });
    const blis = koffiWith({
      cblas_sgemm: sgemm,
      bli_thread_set_num_threads: set,
      bli_info_get_version_str: () => '0.9.0',
      bli_arch_query_id: () => 7,
      bli_arch_string: (id: number) => (id === 7 ? 'zen3' : 'generic'),
    });
    const opened = [openBlas, mkl, blis, koffiWith({ cblas_sgemm: sgemm })].map((koffi) =>
      open(koffi, 'lib'),
    );
    for (const { setThreads } of opened) setThreads(3);
    expect(opened.map(({ library: { kind, version } }) => [kind, version])).toEqual([
      ['OpenBLAS', '0.3.27'],
      ['MKL', '2024.2'],
      ['BLIS', '0.9.0'],
      ['BLAS', null],
    ]);
    expect(opened[0]!.library.build).toBe(config);
    expect(opened[2]!.library.build).toBe('BLIS 0.9.0 zen3');
    expect(threads).toEqual([3, 3, 3]);
    expect(opened[0]!.addressOf(new ArrayBuffer(1))).toBe(4096);
  });

  it('is refused where its integers have 64 bits', () => {
    const builds = [
      koffiWith({ cblas_sgemm64_: sgemm }),
      koffiWith({ cblas_sgemm: sgemm, openblas_get_config: () => 'OpenBLAS 0.3.21 USE64BITINT' }),
      koffiWith({
        cblas_sgemm: sgemm,
        bli_thread_set_num_threads: sgemm,
        bli_info_get_blas_int_type_size: () => 64,
      }),
    ];
    for (const koffi of builds) {
      expect(() => open(koffi, 'lib64')).toThrow('The library lib64 takes 64-bit integers: give OpenBLAS');
    }
  });
});

describe('the candidates', () => {
  it('begin with what the loader finds by itself, then come the folders of Debian and conda', () => {
    const linux = candidates('linux', 'x64', { CONDA_PREFIX: '/opt/conda' });
    expect(linux[0]).toBe('libopenblas.so.0');
    expect(linux).toContain('/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0');
    expect(linux).toContain('/opt/conda/lib/libmkl_rt.so.2');
    expect(linux.filter((path) => /(^|\/)libblas\./.test(path))).toEqual([]);
  });

  it('are those of each system', () => {
    expect(candidates('darwin', 'arm64', {})[0]).toContain('Accelerate.framework');
    expect(candidates('win32', 'x64', { CONDA_PREFIX: 'C:\\conda' })).toContain(
      'C:\\conda\\Library\\bin\\openblas.dll',
    );
    expect(candidates('aix', 'ppc64', {})).toEqual([]);
  });
});
