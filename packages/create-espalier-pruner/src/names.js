/** A strategy's name in every form that its files need. */
const NAME = /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * @param {string | undefined} packageName `my-method`, or `@me/my-method`
 * @param {string} usage the command, with a name
 * @throws Error, of one line, for a name that is badly formed
 */
export function namesOf(packageName, usage) {
  if (!packageName) throw new Error(`Name the strategy: ${usage}`);
  if (!NAME.test(packageName)) {
    throw new Error(
      `'${packageName}' is not lower-case words joined by hyphens, as my-method is: choose another name`,
    );
  }
  const name = packageName.slice(packageName.indexOf('/') + 1);
  const functionName = name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase());
  if (!canBeIdentifier(functionName)) {
    throw new Error(
      `'${name}' is a word of JavaScript's own, and cannot name the strategy's function: choose another`,
    );
  }
  return { name, packageName, functionName, typeName: functionName[0].toUpperCase() + functionName.slice(1) };
}

function canBeIdentifier(word) {
  try {
    new Function(`'use strict'; const ${word} = 0;`);
    return true;
  } catch {
    return false;
  }
}
