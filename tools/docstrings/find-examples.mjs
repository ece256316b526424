/** The examples of a source: what stands in fences in the docstrings of its declarations. */
import ts from 'typescript';

const FENCED = /```\w*\n(.*?)\n```/gs;

/**
 * @param {string} file
 * @param {string} text its contents
 * @returns {{ name: string, code: string }[]} each with the place of its docstring, `file:line`
 * @throws Error for an `@example` without a fence
 */
export function findExamples(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const examples = [];
  const visit = (node) => {
    for (const comment of node.jsDoc ?? []) {
      const name = `${file}:${source.getLineAndCharacterOfPosition(comment.getStart()).line + 1}`;
      const text = comment.getText().replace(/^[ \t]*\* ?/gm, '');
      const found = Array.from(text.matchAll(FENCED), ([, code]) => ({ name, code }));
      if (text.includes('@example') && found.length === 0) {
        throw new Error(`${name}: the @example has no code in a fence, \`\`\`ts, that could be run`);
      }
      examples.push(...found);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return examples;
}

/** What an example says that it prints: the comment after each `console.log(…);`, on its line or on the next ones. */
export function printedBy(code) {
  return Array.from(code.matchAll(/console\.log\(.*\);(?: *|\n)\/\/ (.*(?:\n\/\/ .*)*)/g), ([, comment]) =>
    comment.replaceAll('\n// ', '\n'),
  );
}
