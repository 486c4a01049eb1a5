import { createHash } from "node:crypto";
import { stripTypeScriptTypes } from "node:module";

/** Jest transform: Node's own type stripping, so tests run the sources that Node 24 would run. */
export default {
  canInstrument: false,
  getCacheKey: (source, path) =>
    createHash("sha256").update(process.version).update(path).update(source).digest("hex"),
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: "strip" }) }),
};
