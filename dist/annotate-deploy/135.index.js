export const id = 135;
export const ids = [135];
export const modules = {

/***/ 1135:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  parseConfig: () => (/* binding */ parseConfig)
});

// EXTERNAL MODULE: ./node_modules/yaml/dist/index.js
var dist = __webpack_require__(8815);
// EXTERNAL MODULE: ./packages/core/src/errors.ts
var errors = __webpack_require__(7638);
// EXTERNAL MODULE: ./packages/core/src/names.ts
var names = __webpack_require__(8129);
;// CONCATENATED MODULE: ./packages/core/src/nearest.ts
/**
 * The candidate that a misspelt word most likely means, or undefined when none is close: at most
 * one edit in three letters.
 */
function nearest(word, candidates) {
    const [best] = candidates
        .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate) }))
        .filter((one) => one.distance <= Math.max(1, Math.floor(one.candidate.length / 3)))
        .sort((one, other) => one.distance - other.distance);
    return best?.candidate;
}
/** Levenshtein distance: insertions, deletions and replacements from one word to the other. */
function distance(from, to) {
    let row = Array.from({ length: to.length + 1 }, (_, index) => index);
    for (let i = 1; i <= from.length; i += 1) {
        const next = [i];
        for (let j = 1; j <= to.length; j += 1) {
            const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
            next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
        }
        row = next;
    }
    return row[to.length] ?? 0;
}

;// CONCATENATED MODULE: ./packages/core/src/config.ts




/** Larger files are a mistake, or an attack with aliases. */
const MAX_BYTES = 64 * 1024;
/**
 * Reads the config file for one door: `version: 1`, then one key per door, whose keys are the names
 * of its inputs and its structured keys. Sections of other doors are theirs to check.
 * @throws ActionError `input` that names every problem with line and column.
 */
function parseConfig(text, keys) {
    if (Buffer.byteLength(text) > MAX_BYTES) {
        throw invalidConfig([`${names/* CONFIG_FILE */.g2} is larger than ${MAX_BYTES / 1024} KiB`]);
    }
    const lines = new dist/* LineCounter */.HN();
    const document = (0,dist/* parseDocument */.Tp)(text, {
        lineCounter: lines,
        prettyErrors: false,
        uniqueKeys: true,
    });
    const place = (offset) => {
        const { line, col } = lines.linePos(offset);
        return `${names/* CONFIG_FILE */.g2}:${line}:${col}`;
    };
    if (document.errors.length > 0) {
        throw invalidConfig(document.errors.map(({ pos, message }) => `${place(pos[0])} ${message.split("\n")[0] ?? ""}`));
    }
    const reader = new ConfigReader(document, place);
    const config = reader.read(keys);
    if (reader.problems.length > 0)
        throw invalidConfig(reader.problems);
    return config;
}
class ConfigReader {
    problems = [];
    #document;
    #place;
    constructor(document, place) {
        this.#document = document;
        this.#place = place;
    }
    read(keys) {
        const empty = { inputs: {}, values: {} };
        const root = this.#document.contents;
        if (root === null) {
            this.problems.push(`${names/* CONFIG_FILE */.g2}:1:1 is empty: it must begin with \`version: 1\``);
            return empty;
        }
        if (!(0,dist/* isMap */.jh)(root)) {
            this.problems.push(`${this.#at(root)} must be a map that begins with \`version: 1\``);
            return empty;
        }
        let version;
        let section;
        for (const { name, key, value } of this.#entries(root)) {
            if (name === "version")
                version = value;
            else if (name === keys.door)
                section = { node: value, at: this.#at(key) };
            else if (!names/* DOORS */.I0.includes(name))
                this.#unknown(name, key, ["version", ...names/* DOORS */.I0]);
        }
        if (version === undefined) {
            this.problems.push(`${this.#at(root)} \`version: 1\` is missing`);
        }
        else if (!(0,dist/* isScalar */.jn)(version) || version.value !== 1) {
            this.problems.push(`${this.#at(version)} version must be 1, the only one there is`);
        }
        if (section === undefined)
            return empty;
        const node = this.#resolved(section.node);
        if (node === undefined || ((0,dist/* isScalar */.jn)(node) && node.value === null))
            return empty;
        if (!(0,dist/* isMap */.jh)(node)) {
            this.problems.push(`${section.at} ${keys.door} must be a map of input names to values`);
            return empty;
        }
        return this.#section(node, keys);
    }
    #section(map, { inputs, config = {} }) {
        const texts = {};
        const values = {};
        for (const { name, key, value } of this.#entries(map)) {
            const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
            if (input === undefined) {
                if (Object.hasOwn(config, name))
                    values[name] = this.#value(key, value);
                else
                    this.#unknown(name, key, [...Object.keys(inputs), ...Object.keys(config)]);
            }
            else if (input.secret) {
                this.problems.push(`${this.#at(key)} ${name} is a secret: give it as an input from \`\${{ secrets.… }}\``);
            }
            else if (input.expression) {
                // It always has a value from the runner, so that the file's would never be seen.
                this.problems.push(`${this.#at(key)} ${name} can only be given in the workflow`);
            }
            else {
                const text = this.#text(name, value);
                if (text !== undefined)
                    texts[name] = { text, place: this.#at(key) };
            }
        }
        return { inputs: texts, values };
    }
    /** An input's text: a scalar as it is written, or a list of them one a line. */
    #text(name, value) {
        const node = this.#resolved(value);
        if (node === undefined)
            return undefined;
        if ((0,dist/* isScalar */.jn)(node))
            return scalarText(node);
        if (!(0,dist/* isSeq */.oP)(node)) {
            this.problems.push(`${this.#at(node)} ${name} must be a value or a list of values`);
            return undefined;
        }
        const items = node.items.map((item) => {
            const inner = this.#resolved(item);
            const text = inner !== undefined && (0,dist/* isScalar */.jn)(inner) ? scalarText(inner) : undefined;
            if (text === undefined || text.includes("\n")) {
                this.problems.push(`${this.#at(inner ?? node)} ${name} must be a list of single values`);
            }
            return text ?? "";
        });
        return items.join("\n");
    }
    #value(key, value) {
        const places = { "": this.#at(value ?? key) };
        const walk = (outer, pointer) => {
            // Places of what an alias stands for are those of its anchor; once is enough.
            if (outer === undefined || (0,dist/* isAlias */.Vj)(outer))
                return;
            places[pointer] = this.#at(outer);
            if ((0,dist/* isMap */.jh)(outer)) {
                for (const { name, value: inner } of this.#entries(outer)) {
                    walk(inner, `${pointer}/${name.replace(/~/g, "~0").replace(/\//g, "~1")}`);
                }
            }
            else if ((0,dist/* isSeq */.oP)(outer)) {
                outer.items.forEach((item, index) => walk(item, `${pointer}/${index}`));
            }
        };
        walk(value, "");
        try {
            return { value: value?.toJS(this.#document), places };
        }
        catch {
            // More aliases than the library's limit: what they expand to is not worth having.
            this.problems.push(`${this.#at(key)} has too many aliases`);
            return { value: undefined, places };
        }
    }
    /** The pairs of a map whose keys are plain words. */
    #entries(map) {
        return map.items.flatMap((pair) => {
            const key = pair.key;
            if (!(0,dist/* isPair */.tO)(pair) || !(0,dist/* isScalar */.jn)(key)) {
                this.problems.push(`${this.#at(key)} keys must be plain words`);
                return [];
            }
            const value = (pair.value ?? undefined);
            return [{ name: scalarText(key) ?? "", key, value }];
        });
    }
    #resolved(node) {
        return (0,dist/* isAlias */.Vj)(node) ? node.resolve(this.#document) : node;
    }
    #unknown(name, key, known) {
        const guess = nearest(name, known);
        const help = guess === undefined ? `known are ${known.join(", ")}` : `did you mean \`${guess}\`?`;
        this.problems.push(`${this.#at(key)} unknown key ${JSON.stringify(name)}: ${help}`);
    }
    #at(node) {
        return this.#place(node.range?.[0] ?? 0);
    }
}
/** `1.20` stays what was written, though YAML reads the number 1.2. */
function scalarText(scalar) {
    if (scalar.value === null)
        return undefined;
    if (typeof scalar.value === "string")
        return scalar.value.trim();
    return scalar.source ?? JSON.stringify(scalar.value);
}
function invalidConfig(problems) {
    return new errors/* ActionError */.lZ("input", `Invalid configuration:\n${problems.map((line) => `- ${line}`).join("\n")}`);
}


/***/ })

};
