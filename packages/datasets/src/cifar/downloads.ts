/** The binary releases, as their author offers them. */
import type { Download } from '../download.js';

const FROM = 'https://www.cs.toronto.edu/~kriz';

const release = (name: string, file: string, sha256: string, bytes: number): Download => ({
  name,
  from: FROM,
  files: [{ name: file, sha256, hashed: 'file', mostBytes: bytes }],
});

export const cifarDownloads: readonly [cifar10: Download, cifar100: Download] = [
  release(
    'cifar10',
    'cifar-10-binary.tar.gz',
    'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    170_052_171,
  ),
  release(
    'cifar100',
    'cifar-100-binary.tar.gz',
    '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
    168_513_733,
  ),
];
