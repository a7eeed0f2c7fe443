// Says of each event on stdin whether its exported schema takes it: 1 or 0 a line. A schema that strict mode refuses ends it.
// usage: node strict.mjs FOLDER_OF_SCHEMAS NODE_MODULES < [type, event] a line
import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [, , folder, modules] = process.argv;
const require = createRequire(join(modules, "here.js"));
const { Ajv2020 } = require("ajv/dist/2020.js");
const ajv = new Ajv2020({ strict: true });
require("ajv-formats").default(ajv);

const takes = new Map();
for (const file of readdirSync(folder)) {
  if (file.startsWith("reentry.")) {
    takes.set(file.slice(0, -".json".length), ajv.compile(JSON.parse(readFileSync(join(folder, file), "utf8"))));
  }
}
const events = readFileSync(0, "utf8").split("\n").map((line) => JSON.parse(line));
process.stdout.write(events.map(([type, event]) => (takes.get(type)(event) ? "1" : "0")).join("\n"));
