/** The process of `fuzz.mjs`: node child.mjs <part> <cases> <seed>; says each seed before its case, and at the end what was wrong. */
const [part, cases, seed] = process.argv.slice(2);
const { fuzz } = await import(`./${part}.mjs`);
const wrong = await fuzz({
  cases: Number(cases),
  seed: Number(seed),
  onCase: (at) => process.send({ seed: at }),
});
process.send({ wrong }, () => process.exit());
