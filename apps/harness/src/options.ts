/** Parsing and checking of the command line's values. Each refusal names the value and what would do. */
import { backendNames, isBackendChoice, type BackendChoice } from '@espalier/backend';
import { allocations, type AllocationName, type Overrides } from '@espalier/core';
import { scaleNames, type ScaleName } from '@espalier/workloads';
import { InvalidArgumentError } from 'commander';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

/** A commander parser from a zod schema. */
function parser<T>(schema: z.ZodType<T, string>): (text: string) => T {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'not understood');
  };
}

/** Comma-separated items, at least one, none twice: the same trial would run twice side by side. */
const list = <T>(item: z.ZodType<T, string>) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item))
    .check(({ value, issues }) => {
      const texts = value.map(String);
      const twice = texts.find((text, i) => texts.indexOf(text) !== i);
      if (twice !== undefined) {
        issues.push({ code: 'custom', input: value, message: `${twice} is given twice` });
      }
    });

const number = (message: string) =>
  z
    .string()
    .refine((text) => text !== '' && Number.isFinite(Number(text)), message)
    .transform(Number);

const whole = (minimum: number, what: string) =>
  number(`${what} must be a whole number of at least ${minimum}`).refine(
    (value) => Number.isSafeInteger(value) && value >= minimum,
    `${what} must be a whole number of at least ${minimum}`,
  );

const sparsityRange = 'a sparsity is from 0 and under 1; 0.9 prunes 90% of the blocks';

export const names = parser(list(z.string().min(1, 'a name is empty')));
export const sparsities = parser(
  list(number(sparsityRange).refine((value) => value >= 0 && value < 1, sparsityRange)),
);
export const blockShapes = parser(
  list(
    z
      .string()
      .regex(/^[1-9]\d*x[1-9]\d*$/, 'a block shape is rows x columns, such as 16x16')
      .transform((text) => text.split('x').map(Number) as [number, number]),
  ),
);
export const seeds = parser(list(whole(0, 'a seed')));
export const seed = parser(whole(0, 'a seed'));
export const problems = parser(whole(1, 'problems'));
export const epochs = parser(whole(1, 'epochs'));
export const minimumBlocks = parser(whole(1, 'minimum blocks'));
export const batchSize = parser(whole(1, 'a batch size'));
export const learningRate = parser(
  number('a learning rate is above 0').refine((value) => value > 0, 'a learning rate is above 0'),
);
export const threads = parser(whole(1, 'threads'));
const allocationName = z
  .string()
  .refine((name) => Object.hasOwn(allocations, name), {
    error: ({ input }) =>
      `there is no allocation '${String(input)}': did you mean '${closest(String(input), Object.keys(allocations))}'?`,
  })
  .transform((name) => name as AllocationName);
export const allocationNames = parser(list(allocationName));

/** `auto`, `off`, or names, which `@espalier/wasm-training` knows. */
export const accelerators = (text: string): 'auto' | 'off' | string[] =>
  text === 'auto' || text === 'off' ? text : acceleratorNames(text);
const acceleratorNames = parser(list(z.string().min(1, 'choose auto, off, or a list of accelerators')));

const OVERRIDE = /^(?<kernel>[^=]+)=(?<sparsity>[^@]*)(?:@(?<block>.*))?$/;

/** One kernel's own sparsity, block shape or both; given again, one kernel more. */
export function override(text: string, before: Overrides = {}): Overrides {
  const { kernel = '', sparsity, block } = OVERRIDE.exec(text)?.groups ?? {};
  if (!kernel || (!sparsity && !block)) {
    throw new InvalidArgumentError(
      'an override is <kernel>=<sparsity>@<rows>x<columns>, either left out: dense_1/kernel=0.5@8x8',
    );
  }
  if (Object.hasOwn(before, kernel)) throw new InvalidArgumentError(`${kernel} is overridden twice`);
  const own = {
    ...(sparsity && { sparsity: sparsities(sparsity)[0] as number }),
    ...(block && { blockShape: blockShapes(block)[0] as [number, number] }),
  };
  return { ...before, [kernel]: own };
}
export const minutes = parser(
  number('a number of minutes is above 0').refine((value) => value > 0, 'a number of minutes is above 0'),
);
export const seconds = parser(
  number('a number of seconds is above 0').refine((value) => value > 0, 'a number of seconds is above 0'),
);
export const port = parser(whole(1, 'a port').refine((value) => value < 65_536, 'a port is at most 65535'));
export const gibibytes = parser(
  number('a number of GiB is above 0').refine((value) => value > 0, 'a number of GiB is above 0'),
);
export const jobs = parser(whole(1, 'jobs'));
export const backend = parser(
  z
    .string()
    .refine(
      isBackendChoice,
      `a backend is one of auto, ${backendNames.join(', ')}, webgpu:<part of an adapter's name>, tensorflow:<version>`,
    )
    .transform((text) => text as BackendChoice),
);
export const scale = parser(
  z.enum(
    scaleNames as [ScaleName, ...ScaleName[]],
    `a scale is one of ${scaleNames.join(', ')}`,
  ) as z.ZodType<ScaleName, string>,
);
export const size = (text: string): number | null => (text === 'none' ? null : pixels(text));
const pixels = parser(whole(1, 'a size in pixels'));
export const onOrOff = parser(
  z.enum(['on', 'off'], 'choose on or off').transform((text) => text === 'on') as z.ZodType<boolean, string>,
);

/** One of some names; of another, the nearest is told. */
export const oneNameOf =
  <Name extends string>(what: string, names: readonly Name[]) =>
  (text: string): Name => {
    if ((names as readonly string[]).includes(text)) return text as Name;
    throw new InvalidArgumentError(
      `there is no ${what} '${text}': did you mean '${closest(text, names)}'? There are ${names.join(', ')}`,
    );
  };

/** By the strategy, then by the setting. */
export type SetOptions = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

const SETTING = /^(?<strategy>[^=]+)\.(?<setting>\w+)=(?<value>.+)$/;

/** One setting of one strategy; given again, one more. A value is a number, true, false, or a word. */
export function set(text: string, before: SetOptions = {}): SetOptions {
  const { strategy, setting, value } = SETTING.exec(text)?.groups ?? {};
  if (!strategy || !setting || !value) {
    throw new InvalidArgumentError('a setting is <strategy>.<setting>=<value>: magnitude.dense=0.25');
  }
  const others = before[strategy] ?? {};
  if (Object.hasOwn(others, setting)) throw new InvalidArgumentError(`${strategy}.${setting} is set twice`);
  return { ...before, [strategy]: { ...others, [setting]: valueOf(value) } };
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

export const trials = parser(whole(1, 'trials'));
