/**
 * What a release brings, for who uses it: each change once, with the packages that it is of. Packages have no changelog of
 * their own, since most changes are of several.
 */

const STRENGTH = ['none', 'patch', 'minor', 'major'];
const SECTIONS = [
  ['major', 'Breaking changes'],
  ['minor', 'New'],
  ['patch', 'Mended'],
];

/**
 * @param {{ changesets: object[], releases: object[] }} plan of `@changesets/get-release-plan`
 * @param {string} day `2026-11-28`
 * @returns {string} Markdown: a heading of second level, the versions, the changes
 */
export function releaseNotes({ changesets, releases }, day) {
  const released = releases.filter(({ type }) => type !== 'none');
  const isFirst = released.every(({ oldVersion }) => oldVersion === '0.0.0');
  const of = (type, tell) => changesets.filter((it) => strongest(it) === type).map(tell);
  const head = `## ${day}\n\n${versions(released)}\n`;
  // Where nothing was out before, nothing breaks, and nothing that a reader had is mended.
  if (isFirst) {
    const whole = changesets.filter((it) => strongest(it) === 'major').map(({ summary }) => summary.trim());
    return [head, ...whole.map((text) => `${text}\n`), of('minor', inOneSentence).join('')].join('\n');
  }
  const sections = SECTIONS.map(([type, title]) => [title, of(type, inFull)]).filter(
    ([, entries]) => entries.length > 0,
  );
  return [head, ...sections.map(([title, entries]) => `### ${title}\n\n${entries.join('\n')}`)].join('\n');
}

/** A page with the notes of a new release above those of the ones before. */
export function withNotes(page, notes) {
  const [title, ...before] = page.split(/^(?=## )/m);
  return [title.trim(), notes.trim(), ...before.map((text) => text.trim())].join('\n\n').concat('\n');
}

const strongest = ({ releases }) => STRENGTH[Math.max(...releases.map(({ type }) => STRENGTH.indexOf(type)))];

const inOneSentence = ({ summary, releases }) =>
  `- ${firstSentence(summary)[0].replace(/:$/, '.')} ${packagesOf(releases)}\n`;

/** The first sentence in bold, the rest below it. */
function inFull({ summary, releases }) {
  const [first, rest] = firstSentence(summary);
  const [paragraph, ...others] = rest.split(/\n\n+/);
  const text = [`**${first}**${paragraph} ${packagesOf(releases)}`, ...others].join('\n\n');
  return `- ${text.replaceAll('\n', '\n  ').replaceAll(/^ +$/gm, '')}\n`;
}

/** The sentence, and what is behind it. A full stop within a name or a number ends none. */
function firstSentence(summary) {
  const text = summary.trim();
  const end = /[.:](?=\s|$)/.exec(text)?.index ?? text.length;
  return [text.slice(0, end + 1), text.slice(end + 1)];
}

const packagesOf = (releases) =>
  `_(${releases
    .map(({ name }) => name.replace('@espalier/', ''))
    .sort()
    .join(', ')})_`;

/** One line where all have one version, and a line for each version otherwise. */
function versions(released) {
  const all = [...new Set(released.map(({ newVersion }) => newVersion))];
  if (all.length === 1) return `Every package: ${all[0]}.`;
  const named = (version) =>
    released.filter(({ newVersion }) => newVersion === version).map(({ name }) => `\`${name}\``);
  return all.map((version) => `- ${version}: ${named(version).join(', ')}`).join('\n');
}
