/**
 * The colours of plots, each with the one that takes its place in the dark. Strategies are told apart by people who do
 * not see all colours: the shapes and the dashes differ too, and their numbers have no common divisor, so that the first
 * forty-two strategies have a look each.
 */

/** Light → dark. All that is drawn is of these colours; what is not text or a mark may be faint. */
export const INK = {
  text: { light: '#24292f', dark: '#e6e8eb' },
  muted: { light: '#57606a', dark: '#a4acb6' },
  axis: { light: '#8c959f', dark: '#7a838d' },
  grid: { light: '#e3e6ea', dark: '#2c3238' },
  paper: { light: '#ffffff', dark: '#15181c' },
  reference: { light: '#474f58', dark: '#c3cad2' },
  hit: { light: '#007a5e', dark: '#35c89f' },
  missed: { light: '#c64e00', dark: '#ff9a5c' },
  shade: { light: '#0a67a3', dark: '#63b6ea' },
  sparsification: { light: '#e2ecf4', dark: '#1f2c37' },
  sparse: { light: '#bfd6e8', dark: '#2f4a5f' },
  otherPhase: { light: '#efe6d2', dark: '#3a3322' },
  emphasis: { light: '#b8860b', dark: '#e5b93c' },
} as const;

const STRATEGY_COLOURS = [
  { light: '#0072b2', dark: '#56b4e9' },
  { light: '#d55e00', dark: '#ff9955' },
  { light: '#008f6b', dark: '#2fd0a0' },
  { light: '#aa4499', dark: '#e58fd8' },
  { light: '#8a6d00', dark: '#e0c040' },
  { light: '#332288', dark: '#a99bff' },
  { light: '#a01c48', dark: '#ff88a8' },
] as const;

const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'triangle-right'] as const;
const DASHES = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [14, 4],
] as const;

/** How a strategy is drawn, in every plot alike. */
export interface Look {
  readonly colour: string;
  readonly shape: string;
  readonly dash: readonly number[];
}

/** @param index of the strategy, in the order of the comparison; null for the dense baseline */
export function lookOf(index: number | null): Look {
  if (index === null) return { colour: INK.reference.light, shape: 'cross', dash: [4, 3] };
  const of = <T>(list: readonly T[]) => list[index % list.length] as T;
  return { colour: of(STRATEGY_COLOURS).light, shape: of(SHAPES), dash: of(DASHES) };
}

/** Every colour of plots, light → dark. */
export const DARK: ReadonlyMap<string, string> = new Map(
  [...Object.values(INK), ...STRATEGY_COLOURS].map(({ light, dark }) => [light, dark]),
);

/** Rules that give a drawing its colours in the dark, whatever it is drawn of; print stays light. */
export function darkRules(within = ''): string {
  const rules = [...DARK].flatMap(([light, dark]) =>
    ['fill', 'stroke'].map((property) => `${within}[${property}="${light}"]{${property}:${dark}}`),
  );
  return `@media screen and (prefers-color-scheme:dark){${rules.join('')}}`;
}
