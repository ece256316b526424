/** Images in folders `train/<class>` and `test/<class>`: a class is a folder, its label its place among them by name. */
import { DataError } from '../data-error.js';
import { decodeRgb } from '../images/decode.js';
import { ROW_BYTES, SIDE, type CifarForm } from './form.js';
import type { Rows, Split } from './rows.js';
import { isVisibleImage, type Source, type SourceFile } from './source.js';

interface ClassImage {
  readonly split: Split;
  readonly className: string;
  /** What stands before `train/` or `test/`. */
  readonly root: string;
  readonly file: SourceFile;
}

/** Null where there are none. */
export function imageRows(source: Source, files: readonly SourceFile[], form: CifarForm): Rows | null {
  const images = files.flatMap((file) => classImage(file) ?? []);
  if (images.length === 0) return null;
  const roots = [...new Set(images.map(({ root }) => root))];
  if (roots.length > 1) {
    throw new DataError(
      `${source.name} has images under '${roots[0]}' and under '${roots[1]}': leave one of them`,
    );
  }
  const classes = classesOf(source, images, form);
  const rows = (split: Split) =>
    decoded(
      source,
      images.filter((image) => image.split === split).sort(byPath),
      new Map(classes.map((name, label) => [name, label])),
      form,
    );
  return { classes, count: images.length, splits: { train: rows('train'), test: rows('test') } };
}

function classImage(file: SourceFile): ClassImage | null {
  const parts = file.path.split('/');
  const [split, className] = parts.slice(-3, -1);
  if (!isVisibleImage(file.path) || className === undefined) return null;
  if (split !== 'train' && split !== 'test') return null;
  return { split, className, root: parts.slice(0, -3).join('/'), file };
}

/** By their names: for CIFAR's own classes, the order of their labels. */
function classesOf({ name }: Source, images: readonly ClassImage[], form: CifarForm): string[] {
  const of = (split: Split) =>
    new Set(images.flatMap((image) => (image.split === split ? image.className : [])));
  const found = { train: of('train'), test: of('test') };
  for (const [split, other] of [
    ['train', 'test'],
    ['test', 'train'],
  ] as const) {
    const alone = [...found[split]].find((className) => !found[other].has(className));
    if (alone === undefined) continue;
    throw new DataError(
      `${name} has images in ${split}/${alone}, and none in ${other}/${alone}: a class needs images in both`,
    );
  }
  const classes = [...found.train].sort();
  if (classes.length === form.classes.length) return classes;
  throw new DataError(
    `${name} has ${classes.length} classes in train/, where ${form.title} has ${form.classes.length}: fetch it again`,
  );
}

const byPath = ({ file: { path: a } }: ClassImage, { file: { path: b } }: ClassImage) =>
  a < b ? -1 : a > b ? 1 : 0;

/** So many are decoded side by side, on the threads of Node's own pool. */
const AT_ONCE = 64;

async function* decoded(
  source: Source,
  images: readonly ClassImage[],
  labels: ReadonlyMap<string, number>,
  form: CifarForm,
): AsyncGenerator<Uint8Array> {
  const rowOf = async ({ file, className }: ClassImage) => {
    const name = `${source.name}: ${file.path}`;
    const { pixels, width, height } = await decodeRgb(await file.bytes(), name);
    if (width !== SIDE || height !== SIDE) {
      throw new DataError(
        `${name} is ${width} × ${height} pixels, where those of ${form.title} are ${SIDE} × ${SIDE}: take it out, or put the right one there`,
      );
    }
    const row = new Uint8Array(ROW_BYTES);
    row[0] = labels.get(className) as number;
    row.set(pixels, 1);
    return row;
  };
  for (let first = 0; first < images.length; first += AT_ONCE) {
    yield* await Promise.all(images.slice(first, first + AT_ONCE).map(rowOf));
  }
}
