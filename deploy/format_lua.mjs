/* StyLua's format, in this project's settings, for the Lua files named; --check only tells which differ. */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Config, formatCode, IndentType, LuaVersion, OutputVerification } from "@johnnymorganz/stylua";

const { values, positionals } = parseArgs({ options: { check: { type: "boolean" } }, allowPositionals: true });

/* A configuration is used up by the call that it is given to. */
function settings() {
  const config = Config.new();
  config.column_width = 120;
  config.indent_type = IndentType.Spaces;
  config.indent_width = 2;
  config.syntax = LuaVersion.Lua51;
  return config;
}

function complain(file, words) {
  console.error(`${file}: ${words}`);
  process.exitCode = 1;
}

for (const file of positionals) {
  const before = readFileSync(file, "utf8");
  try {
    const after = formatCode(before, settings(), undefined, OutputVerification.Full);
    if (after === before) continue;
    if (values.check) complain(file, "not in the project's format; `make fmt` puts it right");
    else writeFileSync(file, after);
  } catch (error) {
    complain(file, error);
  }
}
