export const id = 33;
export const ids = [33];
export const modules = {

/***/ 3033:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  actionsStore: () => (/* binding */ actionsStore)
});

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: external "node:stream/promises"
var promises_ = __webpack_require__(6466);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
;// CONCATENATED MODULE: ./packages/core/src/byte-reader.ts
/** The stream ended before what was asked for had come. */
class EndOfStream extends Error {
}
/**
 * Reads counted bytes from a stream of chunks of any size. Nothing is copied unless a wanted piece
 * spans chunks, so that reading many small pieces stays linear.
 */
class ByteReader {
    #source;
    /** Chunks that have come and are not used up; the first is used from `#offset` on. */
    #chunks = [];
    #offset = 0;
    #available = 0;
    constructor(source) {
        this.#source = source[Symbol.asyncIterator]();
    }
    /** Waits for one more chunk; false at the end of the stream. */
    async #pull() {
        const next = await this.#source.next();
        if (next.done === true)
            return false;
        const { value } = next;
        if (value.length > 0) {
            this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
            this.#available += value.length;
        }
        return true;
    }
    /**
     * Exactly `size` bytes in one piece; only for sizes that fit into memory.
     * @throws EndOfStream
     */
    async read(size) {
        while (this.#available < size) {
            if (!(await this.#pull()))
                throw new EndOfStream();
        }
        return this.#take(size);
    }
    /** As `read`, without a wait; undefined when the bytes have not come yet. */
    readNow(size) {
        return this.#available < size ? undefined : this.#take(size);
    }
    /**
     * Exactly `size` bytes in pieces as they come.
     * @throws EndOfStream
     */
    async *pieces(size) {
        let left = size;
        while (left > 0) {
            if (this.#available === 0) {
                if (!(await this.#pull()))
                    throw new EndOfStream();
                continue;
            }
            const head = this.#chunks[0];
            const piece = this.#take(Math.min(left, head.length - this.#offset));
            left -= piece.length;
            yield piece;
        }
    }
    /** What is left of the stream, in pieces. */
    async *rest() {
        for (;;) {
            while (this.#available > 0) {
                const head = this.#chunks[0];
                yield this.#take(head.length - this.#offset);
            }
            if (!(await this.#pull()))
                return;
        }
    }
    #take(size) {
        if (size === 0)
            return Buffer.alloc(0);
        this.#available -= size;
        const head = this.#chunks[0];
        if (head.length - this.#offset >= size) {
            const piece = head.subarray(this.#offset, this.#offset + size);
            this.#offset += size;
            this.#dropUsedHead();
            return piece;
        }
        const whole = Buffer.allocUnsafe(size);
        let filled = 0;
        while (filled < size) {
            const chunk = this.#chunks[0];
            const count = Math.min(size - filled, chunk.length - this.#offset);
            chunk.copy(whole, filled, this.#offset, this.#offset + count);
            filled += count;
            this.#offset += count;
            this.#dropUsedHead();
        }
        return whole;
    }
    #dropUsedHead() {
        if (this.#offset < this.#chunks[0].length)
            return;
        this.#chunks.shift();
        this.#offset = 0;
    }
}

// EXTERNAL MODULE: ./packages/core/src/errors.ts
var errors = __webpack_require__(7638);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./packages/core/src/pack-format.ts

/**
 * A pack is one file that holds many: a head, an index, then the contents one after the other in
 * the order of the index.
 *
 *     magic   15 bytes  "go-cicd pack 1\n", the number being the version of the format
 *     length   4 bytes  of the index, big-endian
 *     sum     32 bytes  SHA-256 of the index
 *     index             JSON, see `PackIndex`
 *     contents
 *
 * The index comes first, so that every name is looked at before the first byte lands, and each
 * file's sum is known before its content.
 */
const MAGIC = "go-cicd pack 1\n";
const HEAD_BYTES = MAGIC.length + 4 + 32;
/** Far above what a build needs; a bound on what a hostile entry can make us hold. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;
/** The bytes are not a pack, or not the pack that was written. */
class PackError extends Error {
}
/** Head and index of a pack, ready to be followed by the contents. */
function encodeIndex(index) {
    const json = Buffer.from(JSON.stringify(index));
    if (json.length > MAX_INDEX_BYTES)
        throw new PackError("too many files for one pack");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(json.length);
    return Buffer.concat([Buffer.from(MAGIC), length, (0,external_node_crypto_.hash)("sha256", json, "buffer"), json]);
}
/**
 * Length and sum of the index that follows a head of `HEAD_BYTES`.
 * @throws PackError
 */
function decodeHead(head) {
    if (head.toString("latin1", 0, MAGIC.length) !== MAGIC) {
        throw new PackError("this is no pack of a known version");
    }
    const length = head.readUInt32BE(MAGIC.length);
    if (length > MAX_INDEX_BYTES)
        throw new PackError(`an index of ${length} bytes is refused`);
    return { length, sum: head.subarray(MAGIC.length + 4, HEAD_BYTES) };
}
/**
 * The index, with every root known and every name safe to be joined to its root.
 * @throws PackError
 */
function decodeIndex(json, sum, knownRoots) {
    if (!(0,external_node_crypto_.hash)("sha256", json, "buffer").equals(sum)) {
        throw new PackError("the index is not what its sum says");
    }
    let index;
    try {
        index = JSON.parse(json.toString("utf8"));
    }
    catch {
        throw new PackError("the index is not JSON");
    }
    if (!isIndex(index))
        throw new PackError("the index has another shape");
    for (const root of index.roots) {
        if (!knownRoots.includes(root)) {
            throw new PackError(`the root ${JSON.stringify(root)} is unknown`);
        }
    }
    const seen = new Set();
    for (const [root, path] of index.files) {
        checkPath(path);
        const name = `${root}/${path}`;
        if (seen.has(name))
            throw new PackError(`${JSON.stringify(path)} is there twice`);
        seen.add(name);
    }
    for (const [, path] of index.folders)
        checkPath(path);
    return index;
}
/**
 * A path below a root: segments joined by `/`, none empty, `.` or `..`; no backslash, colon (a
 * drive or stream on Windows) or control character.
 * @throws PackError
 */
function checkPath(path) {
    // eslint-disable-next-line no-control-regex -- control characters are what is refused
    const bad = path === "" || path.length > 4096 || /[\\:\u0000-\u001f\u007f]/.test(path);
    if (bad || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
        throw new PackError(`the name ${JSON.stringify(path)} is refused`);
    }
}
function isIndex(value) {
    if (typeof value !== "object" || value === null)
        return false;
    const { roots, files, folders } = value;
    if (!Array.isArray(roots) || !Array.isArray(files) || !Array.isArray(folders))
        return false;
    const isRoot = (root) => isCount(root) && root < roots.length;
    return (roots.every((root) => typeof root === "string") &&
        files.every((file) => {
            if (!Array.isArray(file) || file.length !== 5)
                return false;
            const [root, path, mode, size, sha256] = file;
            return (isRoot(root) &&
                typeof path === "string" &&
                isMode(mode) &&
                isCount(size) &&
                typeof sha256 === "string" &&
                /^[0-9a-f]{64}$/.test(sha256));
        }) &&
        folders.every((folder) => {
            if (!Array.isArray(folder) || folder.length !== 3)
                return false;
            const [root, path, mode] = folder;
            return isRoot(root) && typeof path === "string" && isMode(mode);
        }));
}
function isCount(value) {
    return Number.isSafeInteger(value) && value >= 0;
}
/** Permission bits only: no set-user-ID, set-group-ID or sticky bit comes out of a cache. */
function isMode(value) {
    return isCount(value) && value <= 0o777;
}

;// CONCATENATED MODULE: ./packages/core/src/landing.ts




const DRAFTS = ".go-cicd-restore-";
/** Drafts of a restore that was killed; nobody works on them any more. */
const STALE_MS = 6 * 60 * 60 * 1000;
/**
 * Puts files below roots so that a name never shows half a file, and so that all of it can be taken
 * back. Nothing that exists is replaced, and no symbolic link is followed below a root.
 */
class Landing {
    #roots;
    #drafts = new Map();
    /** Folders known to be real ones. True: made by us, so that nothing can be in them yet. */
    #folders = new Map();
    #madeFolders = [];
    #madeFiles = [];
    /** Folders that were made writable for a while, with the mode to give back. */
    #opened = new Map();
    #draftCount = 0;
    constructor(roots) {
        this.#roots = roots;
    }
    /** Whether there is something of this name. @throws PackError when a parent is no folder. */
    exists(root, path) {
        const folder = this.#folder(root, external_node_path_.posix.dirname(path));
        // Elsewhere two names of one entry can be the same file (case folding).
        if (this.#folders.get(folder) === true && process.platform === "linux")
            return false;
        return (0,external_node_fs_.lstatSync)((0,external_node_path_.join)(folder, external_node_path_.posix.basename(path)), { throwIfNoEntry: false }) !== undefined;
    }
    /** Writes a file whose content is known to be right. */
    write(root, path, mode, content) {
        const draft = this.draft(root);
        (0,external_node_fs_.writeFileSync)(draft, content, { flag: "wx", mode });
        this.name(draft, root, path, mode);
    }
    /** A name for a file that is not complete yet, in the same file system as its root. */
    draft(root) {
        let folder = this.#drafts.get(root);
        if (folder === undefined) {
            const base = this.#root(root);
            (0,external_node_fs_.mkdirSync)(base, { recursive: true });
            removeStaleDrafts(base);
            folder = (0,external_node_fs_.mkdtempSync)((0,external_node_path_.join)(base, DRAFTS));
            this.#drafts.set(root, folder);
        }
        this.#draftCount += 1;
        return (0,external_node_path_.join)(folder, String(this.#draftCount));
    }
    /** Gives a complete draft its name. */
    name(draft, root, path, mode) {
        const folder = this.#folder(root, external_node_path_.posix.dirname(path));
        const target = (0,external_node_path_.join)(folder, external_node_path_.posix.basename(path));
        const move = () => (0,external_node_fs_.renameSync)(draft, target);
        this.#writable(folder, move);
        this.#madeFiles.push(target);
        // The draft of a large read-only file had to be writable.
        if ((mode & 0o200) === 0)
            (0,external_node_fs_.chmodSync)(target, mode);
    }
    /** Gives folders made by this landing their modes; those that were there keep theirs. */
    protect(folders) {
        for (const [root, path, mode] of folders) {
            const folder = (0,external_node_path_.join)(this.#root(root), path);
            if (this.#folders.get(folder) === true)
                (0,external_node_fs_.chmodSync)(folder, mode);
        }
    }
    /** Removes all that was created. */
    undo() {
        for (const file of this.#madeFiles)
            ignoreMissing(() => (0,external_node_fs_.unlinkSync)(file));
        // Others may have put something there meanwhile: then the folder stays.
        for (const folder of this.#madeFolders.reverse()) {
            try {
                (0,external_node_fs_.rmdirSync)(folder);
            }
            catch (error) {
                if (!(0,errors/* isSystemError */.Or)(error, "ENOTEMPTY", "EEXIST", "ENOENT"))
                    throw error;
            }
        }
    }
    /** Removes drafts, and gives folders that were opened for a while their modes back. */
    close() {
        for (const folder of this.#drafts.values())
            (0,external_node_fs_.rmSync)(folder, { recursive: true, force: true });
        for (const [folder, mode] of this.#opened)
            ignoreMissing(() => (0,external_node_fs_.chmodSync)(folder, mode));
    }
    #root(id) {
        const folder = this.#roots[id];
        if (folder === undefined)
            throw new PackError(`the root ${JSON.stringify(id)} is unknown`);
        return folder;
    }
    /** The absolute folder for a relative one, made where it is missing. */
    #folder(root, path) {
        const base = this.#root(root);
        if (path === ".") {
            if (!this.#folders.has(base)) {
                (0,external_node_fs_.mkdirSync)(base, { recursive: true });
                this.#folders.set(base, false);
            }
            return base;
        }
        const folder = (0,external_node_path_.join)(base, path);
        if (this.#folders.has(folder))
            return folder;
        const parent = this.#folder(root, external_node_path_.posix.dirname(path));
        // lstat: a link in a parent would lead outside of the root.
        const status = (0,external_node_fs_.lstatSync)(folder, { throwIfNoEntry: false });
        if (status === undefined) {
            this.#writable(parent, () => (0,external_node_fs_.mkdirSync)(folder));
            this.#madeFolders.push(folder);
            this.#folders.set(folder, true);
        }
        else if (status.isDirectory()) {
            this.#folders.set(folder, false);
        }
        else {
            throw new PackError(`${JSON.stringify(path)} is not a folder on this machine`);
        }
        return folder;
    }
    /** Does `work` in a folder, which may be read-only (Go's module trees are). */
    #writable(folder, work) {
        try {
            work();
        }
        catch (error) {
            if (!(0,errors/* isSystemError */.Or)(error, "EACCES", "EPERM") || this.#opened.has(folder))
                throw error;
            const mode = (0,external_node_fs_.statSync)(folder).mode & 0o777;
            (0,external_node_fs_.chmodSync)(folder, mode | 0o700);
            this.#opened.set(folder, mode);
            work();
        }
    }
}
function removeStaleDrafts(base) {
    for (const name of (0,external_node_fs_.readdirSync)(base)) {
        if (!name.startsWith(DRAFTS))
            continue;
        const folder = (0,external_node_path_.join)(base, name);
        const status = (0,external_node_fs_.lstatSync)(folder, { throwIfNoEntry: false });
        if (status?.isDirectory() === true && Date.now() - status.mtimeMs > STALE_MS) {
            (0,external_node_fs_.rmSync)(folder, { recursive: true, force: true });
        }
    }
}
function ignoreMissing(work) {
    try {
        work();
    }
    catch (error) {
        if (!(0,errors/* isSystemError */.Or)(error, "ENOENT"))
            throw error;
    }
}

;// CONCATENATED MODULE: ./packages/core/src/pack-read.ts





/** Up to this size a content is held in memory and written only when its sum is right. */
const SMALL_BYTES = 1024 * 1024;
/**
 * Unpacks a pack while it comes. Files are checked against the index before they get their name;
 * what exists already is left alone, and what is not chosen stays out.
 *
 * All or nothing: when anything is wrong, all that was created is removed again.
 * @throws PackError when names, sums or lengths are wrong; system errors as they come (ENOSPC).
 */
async function readPack(source, roots, { signal, choose } = {}) {
    const reader = new ByteReader(source);
    const landing = new Landing(roots);
    try {
        const { length, sum } = decodeHead(await reader.read(HEAD_BYTES));
        const index = decodeIndex(await reader.read(length), sum, Object.keys(roots));
        const named = index.files.map(([root, path, , size, sha256]) => ({
            root: index.roots[root],
            path,
            size,
            sha256,
        }));
        const isChosen = await choose?.(named);
        const result = { files: 0, bytes: 0, skipped: 0, passedOver: 0 };
        for (const [position, file] of index.files.entries()) {
            signal?.throwIfAborted();
            const [root, path, mode, size] = file;
            const id = index.roots[root];
            const wanted = isChosen?.(named[position]) ?? true;
            if (!wanted || landing.exists(id, path)) {
                // Its content in the pack is checked all the same: a damaged entry is refused as a whole.
                await checkContent(reader, file);
                result[wanted ? "skipped" : "passedOver"] += 1;
                continue;
            }
            if (size <= SMALL_BYTES) {
                const content = reader.readNow(size) ?? (await reader.read(size));
                if ((0,external_node_crypto_.hash)("sha256", content, "hex") !== file[4])
                    throw wrongSum(path);
                landing.write(id, path, mode, content);
            }
            else {
                await landLarge(reader, landing, id, file);
            }
            result.files += 1;
            result.bytes += size;
        }
        for await (const piece of reader.rest()) {
            if (piece.length > 0)
                throw new PackError("there is more than the index says");
        }
        landing.protect(index.folders.map(([root, path, mode]) => [index.roots[root], path, mode]));
        return result;
    }
    catch (error) {
        landing.undo();
        if (error instanceof EndOfStream)
            throw new PackError("the pack is cut off");
        throw error;
    }
    finally {
        landing.close();
    }
}
async function landLarge(reader, landing, id, [, path, mode, size, sha256]) {
    const draft = landing.draft(id);
    const sum = (0,external_node_crypto_.createHash)("sha256");
    const descriptor = (0,external_node_fs_.openSync)(draft, "wx", mode | 0o200);
    try {
        for await (const piece of reader.pieces(size)) {
            sum.update(piece);
            for (let done = 0; done < piece.length;)
                done += (0,external_node_fs_.writeSync)(descriptor, piece, done);
        }
    }
    finally {
        (0,external_node_fs_.closeSync)(descriptor);
    }
    if (sum.digest("hex") !== sha256)
        throw wrongSum(path);
    landing.name(draft, id, path, mode);
}
async function checkContent(reader, [, path, , size, sha256]) {
    const sum = (0,external_node_crypto_.createHash)("sha256");
    for await (const piece of reader.pieces(size))
        sum.update(piece);
    if (sum.digest("hex") !== sha256)
        throw wrongSum(path);
}
function wrongSum(path) {
    return new PackError(`${JSON.stringify(path)} is not what its sum says`);
}

// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
;// CONCATENATED MODULE: ./packages/core/src/pack-write.ts






const NO_SUM = "0".repeat(64);
/** The file itself, not what a link put in its place leads to; Windows has no such flag. */
const NO_LINKS = external_node_fs_.constants.O_RDONLY | (external_node_fs_.constants.O_NOFOLLOW ?? 0);
/** Contents go through one buffer of this size, whatever the files' sizes are. */
const BUFFER_BYTES = 1024 * 1024;
/** A cancellation is noticed at least once in so many bytes. */
const BREATH_BYTES = 32 * BUFFER_BYTES;
/**
 * Writes the named files into a new pack at `path`. Each file is read once. What is no regular file
 * (or is gone by now) is left out.
 * @throws PackError when a name is not allowed or a file changes while it is read.
 */
async function writePack(path, roots, names, signal) {
    const ids = Object.keys(names).filter((id) => names[id]?.length !== 0);
    const files = [];
    const folders = [];
    for (const [root, id] of ids.entries()) {
        const folder = roots[id];
        if (folder === undefined)
            throw new PackError(`the root ${id} has no folder`);
        const seen = new Set();
        for (const name of new Set(names[id])) {
            checkPath(name);
            const status = (0,external_node_fs_.lstatSync)((0,external_node_path_.join)(folder, name), { throwIfNoEntry: false });
            if (status?.isFile() !== true)
                continue;
            files.push([root, name, status.mode & 0o777, status.size, NO_SUM]);
            for (const path of parents(name, seen)) {
                const { mode } = (0,external_node_fs_.lstatSync)((0,external_node_path_.join)(folder, path));
                // Without these a module tree would come back unprotected.
                if ((mode & 0o200) === 0)
                    folders.push([root, path, mode & 0o777]);
            }
        }
    }
    const index = { roots: ids, files, folders };
    // Sums have a fixed width, so the contents' place is known before the sums are.
    const start = encodeIndex(index).length;
    const bytes = files.reduce((sum, [, , , size]) => sum + size, 0);
    const pack = (0,external_node_fs_.openSync)(path, "wx", 0o600);
    try {
        const output = buffered(pack, start);
        let sinceBreath = 0;
        for (const [position, [root, name, mode, size]] of files.entries()) {
            const folder = roots[ids[root]];
            const sha256 = copyFile((0,external_node_path_.join)(folder, name), size, output);
            files[position] = [root, name, mode, size, sha256];
            sinceBreath += size;
            if (sinceBreath > BREATH_BYTES) {
                sinceBreath = 0;
                await (0,external_node_timers_promises_.setImmediate)();
                signal?.throwIfAborted();
            }
        }
        output.flush();
        writeFully(pack, encodeIndex(index), 0);
    }
    finally {
        (0,external_node_fs_.closeSync)(pack);
    }
    return { files: files.length, bytes };
}
/** The folders above `name` that were not seen before. */
function parents(name, seen) {
    const found = [];
    for (let path = external_node_path_.posix.dirname(name); path !== "." && !seen.has(path); path = external_node_path_.posix.dirname(path)) {
        seen.add(path);
        found.push(path);
    }
    return found;
}
function buffered(descriptor, start) {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    let filled = 0;
    let position = start;
    const flush = () => {
        writeFully(descriptor, buffer.subarray(0, filled), position);
        position += filled;
        filled = 0;
    };
    return {
        room: () => buffer.subarray(filled),
        commit: (count) => {
            filled += count;
            if (filled === buffer.length)
                flush();
        },
        flush,
    };
}
/** Copies exactly `size` bytes and returns their SHA-256. */
function copyFile(path, size, output) {
    let source;
    try {
        source = (0,external_node_fs_.openSync)(path, NO_LINKS);
    }
    catch (error) {
        if ((0,errors/* isSystemError */.Or)(error, "ENOENT", "ELOOP"))
            throw changed(path);
        throw error;
    }
    try {
        const sum = (0,external_node_crypto_.createHash)("sha256");
        let left = size;
        while (left > 0) {
            const room = output.room();
            const count = (0,external_node_fs_.readSync)(source, room, 0, Math.min(room.length, left), null);
            if (count === 0)
                throw changed(path);
            sum.update(room.subarray(0, count));
            output.commit(count);
            left -= count;
        }
        return sum.digest("hex");
    }
    finally {
        (0,external_node_fs_.closeSync)(source);
    }
}
function writeFully(descriptor, bytes, position) {
    let done = 0;
    while (done < bytes.length) {
        done += (0,external_node_fs_.writeSync)(descriptor, bytes, done, bytes.length - done, position + done);
    }
}
function changed(path) {
    return new PackError(`${JSON.stringify(path)} changed while it was read`);
}

// EXTERNAL MODULE: ./packages/core/src/process.ts
var src_process = __webpack_require__(7332);
;// CONCATENATED MODULE: ./packages/core/src/tar-member.ts


const BLOCK = 512;
/** An extended header holds a name and a few times. */
const MAX_EXTENDED_BYTES = 64 * 1024;
/**
 * The content of the one file a tar archive holds (POSIX.1-2001 pax format, as `tar --posix`
 * writes it). Any other name, a second member or a link is refused.
 * @throws PackError
 */
async function* onlyMember(reader, name) {
    try {
        let size;
        for (;;) {
            const header = await reader.read(BLOCK);
            checkSum(header);
            const type = String.fromCharCode(header[156] ?? 0);
            const given = number(header, 124, 12);
            if (type === "x" || type === "g") {
                if (given > MAX_EXTENDED_BYTES)
                    throw new PackError("the archive's header is too large");
                const extended = records(await reader.read(padded(given)), given);
                if (extended.has("path"))
                    throw new PackError("the archive holds another file");
                const large = extended.get("size");
                if (large !== undefined)
                    size = Number(large);
                continue;
            }
            size ??= given;
            if ((type !== "0" && type !== "\0") || tar_member_text(header, 0, 100) !== name) {
                throw new PackError("the archive holds another file");
            }
            if (!Number.isSafeInteger(size) || size < 0)
                throw new PackError("a size is refused");
            break;
        }
        yield* reader.pieces(size);
        await reader.read(padded(size) - size);
    }
    catch (error) {
        if (error instanceof EndOfStream)
            throw new PackError("the archive is cut off");
        throw error;
    }
    let zeros = 0;
    for await (const piece of reader.rest()) {
        if (piece.some((byte) => byte !== 0))
            throw new PackError("the archive holds more than one file");
        zeros += piece.length;
    }
    if (zeros < 2 * BLOCK)
        throw new PackError("the archive is cut off");
}
function padded(size) {
    return Math.ceil(size / BLOCK) * BLOCK;
}
function tar_member_text(header, start, length) {
    const field = header.subarray(start, start + length);
    const end = field.indexOf(0);
    return field.toString("utf8", 0, end < 0 ? length : end);
}
function number(header, start, length) {
    const digits = tar_member_text(header, start, length).trim();
    if (!/^[0-7]+$/.test(digits))
        throw new PackError("the archive's header is damaged");
    return Number.parseInt(digits, 8);
}
/** The header's own sum: all its bytes, the field of the sum counted as blanks. */
function checkSum(header) {
    const wanted = number(header, 148, 8);
    let sum = 8 * 0x20;
    for (const [index, byte] of header.entries())
        if (index < 148 || index >= 156)
            sum += byte;
    if (sum !== wanted)
        throw new PackError("the archive's header is damaged");
}
/** Extended header records: `<length> <key>=<value>\n`. */
function records(block, size) {
    const found = new Map();
    for (let at = 0; at < size;) {
        const blank = block.indexOf(0x20, at);
        const length = Number(block.toString("latin1", at, Math.max(at, blank)));
        if (blank < 0 || !Number.isSafeInteger(length) || length <= 0 || at + length > size) {
            throw new PackError("the archive's header is damaged");
        }
        const [key = "", ...value] = block.toString("utf8", blank + 1, at + length - 1).split("=");
        found.set(key, value.join("="));
        at += length;
    }
    return found;
}

;// CONCATENATED MODULE: ./packages/core/src/adapters/cache-service.ts


const LOOKUP_TIMEOUT_MS = 10_000;
const LOOKUP_ATTEMPTS = 2;
/**
 * What the runner allows (`ACTIONS_CACHE_MODE`): an unknown or missing word allows all, as in the
 * toolkit (@actions/cache 6.3, config.js).
 */
function cacheMode(env) {
    const word = (env["ACTIONS_CACHE_MODE"] ?? "").trim().toLowerCase();
    const known = ["none", "read", "write", "write-only"].includes(word);
    return {
        word,
        readable: !known || word === "read" || word === "write",
        writable: !known || word === "write" || word === "write-only",
    };
}
/**
 * The service of this run: v1 on GitHub Enterprise Server and where the runner does not name v2,
 * else v2 (@actions/cache 6.3, config.js). Undefined when the runner offers none.
 */
function cacheService(env) {
    const host = URL.parse(env["GITHUB_SERVER_URL"] ?? "")
        ?.hostname.trimEnd()
        .toUpperCase();
    const hosted = host === undefined ||
        host === "GITHUB.COM" ||
        host.endsWith(".GHE.COM") ||
        host.endsWith(".LOCALHOST");
    const v2 = hosted && (env["ACTIONS_CACHE_SERVICE_V2"] ?? "") !== "";
    const token = env["ACTIONS_RUNTIME_TOKEN"] ?? "";
    const results = env["ACTIONS_RESULTS_URL"] ?? "";
    if (v2) {
        const origin = URL.parse(results)?.origin;
        if (origin === undefined || token === "")
            return undefined;
        return { version: "v2", base: `${origin}/`, token };
    }
    const url = (env["ACTIONS_CACHE_URL"] ?? "") || results;
    return url === "" ? undefined : { version: "v1", base: url, token };
}
/**
 * The version that the toolkit gives to an entry: paths as they are written, compression, and a
 * salt (@actions/cache 6.3, cacheUtils.js `getCacheVersion`).
 */
function entryVersion(paths, compression) {
    const parts = [
        ...paths,
        compression,
        ...(process.platform === "win32" ? ["windows-only"] : []),
        "1.0",
    ];
    return (0,external_node_crypto_.createHash)("sha256").update(parts.join("|")).digest("hex");
}
/** Asks the service for the newest entry of the first key that has one; keys match as prefixes. */
async function askService(env, http, keys, version, signal) {
    const service = cacheService(env);
    if (service === undefined) {
        return unavailable("the runner offers no cache service (or no token for it)");
    }
    try {
        const ask = service.version === "v2" ? lookUpV2 : lookUpV1;
        return await ask(service, http, keys, version, signal);
    }
    catch (error) {
        signal?.throwIfAborted();
        return unavailable((0,errors/* messageOf */.bD)(error));
    }
}
/** Twirp over JSON; a miss is an answer with `ok: false`. */
async function lookUpV2({ base, token }, http, [key, ...restoreKeys], version, signal) {
    const { status, body } = await http.request({
        method: "POST",
        url: `${base}twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL`,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({
            key,
            ...(restoreKeys.length > 0 && { restore_keys: restoreKeys }),
            version,
        }),
        timeoutMs: LOOKUP_TIMEOUT_MS,
        attempts: LOOKUP_ATTEMPTS,
        ...(signal !== undefined && { signal }),
    });
    const answer = parse(body);
    if (status !== 200)
        return refusal(status, cache_service_text(answer["msg"]));
    if (answer["ok"] !== true)
        return notFound(key);
    return found(answer["matched_key"], answer["signed_download_url"]);
}
/** The REST service of GitHub Enterprise Server and act; a miss is 204. */
async function lookUpV1({ base, token }, http, keys, version, signal) {
    const query = `keys=${encodeURIComponent(keys.join(","))}&version=${version}`;
    const { status, body } = await http.request({
        method: "GET",
        url: `${base}_apis/artifactcache/cache?${query}`,
        headers: {
            accept: "application/json;api-version=6.0-preview.1",
            ...(token !== "" && { authorization: `Bearer ${token}` }),
        },
        timeoutMs: LOOKUP_TIMEOUT_MS,
        attempts: LOOKUP_ATTEMPTS,
        ...(signal !== undefined && { signal }),
    });
    if (status === 204)
        return notFound(keys[0]);
    const answer = parse(body);
    if (status !== 200)
        return refusal(status, cache_service_text(answer["message"]));
    return found(answer["cacheKey"], answer["archiveLocation"]);
}
function found(key, url) {
    if (typeof key !== "string" || typeof url !== "string" || URL.parse(url) === null) {
        return unavailable("the cache service answered in a way that is not known");
    }
    return { kind: "found", key, url };
}
function refusal(status, message) {
    if (status === 401 || status === 403) {
        return { kind: "miss", reason: "denied", detail: message || `status ${status}` };
    }
    return unavailable(`the cache service answered ${status}${message && `: ${message}`}`);
}
function notFound(key) {
    return { kind: "miss", reason: "not-found", detail: `no entry for ${key}` };
}
function unavailable(detail) {
    return { kind: "miss", reason: "unavailable", detail };
}
function parse(body) {
    try {
        const value = JSON.parse(body.toString("utf8"));
        return typeof value === "object" && value !== null ? value : {};
    }
    catch {
        return {};
    }
}
function cache_service_text(value) {
    return typeof value === "string" ? value.slice(0, 300) : "";
}

// EXTERNAL MODULE: external "node:async_hooks"
var external_node_async_hooks_ = __webpack_require__(6698);
;// CONCATENATED MODULE: ./packages/core/src/adapters/toolkit-save.ts


/** Output of the toolkit belongs to the save that it was called for. */
const listeners = new external_node_async_hooks_.AsyncLocalStorage();
/** The toolkit reads its folders from process-wide settings: one save at a time. */
let turn = Promise.resolve();
/**
 * Saves one file through `@actions/cache` as an entry for `path`, a relative path whose last part
 * is the file's name.
 *
 * Why relative: the toolkit makes the entry's version from the path's text, so that has to be the
 * same on every machine, and resolves it against the working directory and GITHUB_WORKSPACE. Both
 * are set to `folder` (private to this process) while it runs: two jobs of one machine cannot get
 * into each other's way, the user's workspace stays untouched, and the archive's only member is
 * `path` itself.
 *
 * The toolkit never throws; it prints why it could not save and answers -1 (6.3). So its words are
 * caught, by the asynchronous context that they come from.
 */
function saveThroughToolkit(folder, path, key) {
    const mine = turn.then(() => save(folder, path, key));
    turn = mine.catch(() => undefined);
    return mine;
}
async function save(folder, path, key) {
    const { loadCache } = await Promise.resolve(/* import() */).then(__webpack_require__.bind(__webpack_require__, 6189));
    const { saveCache } = await loadCache();
    const said = [];
    const home = process.cwd();
    const before = { ...process.env };
    const release = interceptStdout();
    process.chdir(folder);
    process.env["GITHUB_WORKSPACE"] = folder;
    // Without it the toolkit would write to /home/actions/temp.
    process.env["RUNNER_TEMP"] = folder;
    // The toolkit hands its whole environment to tar and zstd (tar.js); of ours it needs ACTIONS_ alone.
    const withheld = Object.keys(before).filter((name) => WITHHELD.test(name));
    for (const name of withheld)
        restore(name, undefined);
    try {
        const id = await listeners.run((text) => said.push(text), () => saveCache([path], key));
        return { saved: id !== -1, said: said.join("") };
    }
    catch (error) {
        said.push(error instanceof Error ? error.message : (0,external_node_path_.basename)(path));
        return { saved: false, said: said.join("") };
    }
    finally {
        process.chdir(home);
        restore("GITHUB_WORKSPACE", before["GITHUB_WORKSPACE"]);
        restore("RUNNER_TEMP", before["RUNNER_TEMP"]);
        for (const name of withheld)
            restore(name, before[name]);
        release();
    }
}
/** What may hold secrets of the step. */
const WITHHELD = /^(INPUT_|STATE_)|^GITHUB_TOKEN$/;
function restore(name, value) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- an empty variable is not a missing one
    if (value === undefined)
        delete process.env[name];
    else
        process.env[name] = value;
}
/** What is written from inside `listeners.run` goes to its listener, masks excepted. */
function interceptStdout() {
    const { stdout } = process;
    const original = stdout.write.bind(stdout);
    const write = (chunk, ...rest) => {
        const listener = listeners.getStore();
        const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
        if (listener === undefined || text.startsWith("::add-mask::")) {
            return original(chunk, ...rest);
        }
        listener(text);
        const done = rest.at(-1);
        if (typeof done === "function")
            done();
        return true;
    };
    stdout.write = write;
    return () => {
        stdout.write = original;
    };
}
/**
 * Statuses stand in the toolkit's debug lines as `(409)`; the words of a denied write and of a
 * used-up quota are constants of the service (@actions/cache 6.3, cache.js, errors.js). What is not
 * recognised is a failure with the toolkit's own words.
 */
function whyNotSaved(said) {
    const detail = said
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && !/^(::debug::|\[command\])/.test(line))
        .map((line) => line.replace(/^::\w+[^:]*::/, ""))
        .slice(-2)
        .join("; ")
        .slice(0, 500);
    if (said.includes("cache write denied:"))
        return { kind: "refused", reason: "read-only", detail };
    if (/insufficient usage/i.test(said))
        return { kind: "refused", reason: "quota", detail };
    if (/\(429\)|Rate limited/.test(said))
        return { kind: "refused", reason: "rate-limited", detail };
    if (/\(40[13]\)/.test(said))
        return { kind: "refused", reason: "read-only", detail };
    if (/\(409\)|Cache already exists/.test(said))
        return { kind: "exists" };
    return { kind: "failed", detail: detail || "the toolkit did not say why" };
}

;// CONCATENATED MODULE: ./packages/core/src/adapters/actions-store.ts















/** A job's end may take no longer than this for one entry. */
const SAVE_TIMEOUT_MS = 180_000;
/** Nothing may come for so long before a download is given up. */
const IDLE_MS = 20_000;
/** What a step may still do after a save was given up (it publishes its timeline). */
const REST_OF_STEP_MS = 75_000;
const CHUNK_BYTES = 512 * 1024;
/**
 * The Actions cache. Entries are written through `@actions/cache`, so that they are what every
 * other client of the service expects. They are read by our own reader: the toolkit's restore runs
 * `tar -P` on bytes that nobody has looked at, which lets an entry write any file the runner's user
 * can write.
 */
function actionsStore(parts) {
    let compression;
    const version = async (name) => {
        compression ??= detectCompression(parts);
        return entryVersion([memberPath(name)], await compression);
    };
    return {
        lookUp: (request) => guarded(request, () => lookUp(parts, request, version), actions_store_unavailable),
        restore: (request) => guarded(request, () => actions_store_restore(parts, request, version), actions_store_unavailable),
        save: (request) => guarded(request, () => actions_store_save(parts, request, version), saveFailed),
    };
}
/** The path of an entry's pack, whose text makes the entry's version: the same on every machine. */
function memberPath(name) {
    if (!/^[a-z][a-z0-9-]*$/.test(name))
        throw new Error(`not a name of a kind of entry: ${name}`);
    return `go-cicd/${name}.pack`;
}
/** As the toolkit chooses it: zstd when there is a `zstd` that answers (cacheUtils.js). */
async function detectCompression({ processes, env }) {
    const exit = await processes.run({
        file: "zstd",
        args: ["--quiet", "--version"],
        cwd: (0,external_node_os_.tmpdir)(),
        env: (0,src_process/* childEnvironment */.Qc)(env),
        timeoutMs: 10_000,
    });
    return `${exit.stdout}${exit.stderr}`.trim() === "" ? "gzip" : "zstd-without-long";
}
/** No failure of a cache leaves the store, except a cancellation and a defect of ours. */
async function guarded({ signal }, work, failed) {
    try {
        return await work();
    }
    catch (error) {
        signal?.throwIfAborted();
        if (error instanceof PackError || error instanceof errors/* ActionError */.lZ || "code" in Object(error)) {
            return failed(error);
        }
        throw error;
    }
}
async function lookUp({ env, http }, { name, key, restoreKeys, signal }, version) {
    const mode = cacheMode(env);
    if (!mode.readable) {
        return { kind: "miss", reason: "disabled", detail: `the cache mode is ${mode.word}` };
    }
    const keys = [key, ...restoreKeys];
    checkKeys(keys);
    return askService(env, http, keys, await version(name), signal);
}
async function actions_store_restore(parts, request, version) {
    const found = request.found ?? (await lookUp(parts, request, version));
    if (found.kind === "miss")
        return found;
    const { status, stream } = await parts.http.stream({
        method: "GET",
        url: found.url,
        timeoutMs: IDLE_MS,
        attempts: 3,
        ...(request.signal !== undefined && { signal: request.signal }),
    });
    if (status !== 200) {
        stream.on("error", () => undefined).destroy();
        return { kind: "miss", reason: "unavailable", detail: `the download answered ${status}` };
    }
    try {
        const unpacked = await unpack(stream, request);
        return { kind: found.key === request.key ? "hit" : "prefix", key: found.key, ...unpacked };
    }
    catch (error) {
        request.signal?.throwIfAborted();
        // Damaged compressed data is reported by zlib, with codes of its own.
        if (error instanceof PackError || isZlibError(error)) {
            return { kind: "corrupt", key: found.key, detail: (0,errors/* messageOf */.bD)(error) };
        }
        throw error;
    }
    finally {
        stream.destroy();
    }
}
async function unpack(stream, { name, roots, signal, choose }) {
    const archive = new ByteReader(stream);
    const magic = await archive.read(4).catch((error) => {
        throw error instanceof EndOfStream ? new PackError("the archive is cut off") : error;
    });
    const whole = async function* () {
        yield magic;
        yield* archive.rest();
    };
    let unpacked;
    await (0,promises_.pipeline)(external_node_stream_.Readable.from(whole(), { objectMode: false, highWaterMark: CHUNK_BYTES }), decompressor(magic), async (tar) => {
        const pack = onlyMember(new ByteReader(tar), memberPath(name));
        unpacked = await readPack(pack, roots, { signal, choose });
    });
    if (unpacked === undefined)
        throw new PackError("the archive is empty");
    return unpacked;
}
function decompressor(magic) {
    if (magic.readUInt32LE() === 0xfd2fb528)
        return (0,external_node_zlib_.createZstdDecompress)({ chunkSize: CHUNK_BYTES });
    if (magic.readUInt16BE() === 0x1f8b)
        return (0,external_node_zlib_.createGunzip)({ chunkSize: CHUNK_BYTES });
    throw new PackError("the archive is compressed in a way that is not known");
}
/** Codes of zlib for bytes that are not what was compressed. */
function isZlibError(error) {
    const { code } = Object(error);
    return typeof code === "string" && /^(Z_|ZSTD_|ERR_ZLIB)/.test(code);
}
function actions_store_unavailable(error) {
    return { kind: "miss", reason: "unavailable", detail: (0,errors/* messageOf */.bD)(error) };
}
async function actions_store_save(parts, request, version) {
    const { env, http, log } = parts;
    const { key, name, signal } = request;
    const mode = cacheMode(env);
    if (!mode.writable) {
        const reason = mode.word === "read" ? "read-only" : "disabled";
        return { kind: "refused", reason, detail: `the cache mode is ${mode.word}` };
    }
    if (cacheService(env) === undefined) {
        return { kind: "failed", detail: "the runner offers no cache service (or no token for it)" };
    }
    checkKeys([key]);
    // Asked first: it costs one request, and spares packing what exists. A service that does not
    // answer is noticed here, by our own deadline and not by the toolkit's (minutes).
    const before = mode.readable
        ? await askService(env, http, [key], await version(name), signal)
        : undefined;
    if (before?.kind === "found" && before.key === key)
        return { kind: "exists", key };
    if (before?.kind === "miss" && before.reason === "unavailable") {
        return { kind: "failed", detail: before.detail };
    }
    const temp = env["RUNNER_TEMP"] ?? "";
    const folder = (0,external_node_fs_.mkdtempSync)((0,external_node_path_.join)(temp === "" ? (0,external_node_os_.tmpdir)() : temp, "go-cicd-store-"));
    try {
        const path = memberPath(name);
        (0,external_node_fs_.mkdirSync)((0,external_node_path_.join)(folder, "go-cicd"));
        const written = await writePack((0,external_node_path_.join)(folder, path), request.roots, request.files, signal);
        if (written.files === 0)
            return { kind: "failed", detail: "there is nothing to save" };
        const { saved, said } = await inTime(saveThroughToolkit(folder, path, key), parts.saveTimeoutMs ?? SAVE_TIMEOUT_MS, signal);
        log.debug(`saving ${key}: ${JSON.stringify(withoutUrls(said))}`);
        if (saved)
            return { kind: "saved", key, files: written.files, bytes: written.bytes };
        const why = whyNotSaved(said);
        return why.kind === "exists" ? { kind: "exists", key } : why;
    }
    finally {
        (0,external_node_fs_.rmSync)(folder, { recursive: true, force: true });
    }
}
/** The toolkit cannot be cancelled: what runs on is ended with the process. */
async function inTime(work, timeoutMs, signal) {
    let timer;
    let cancel;
    try {
        return await Promise.race([
            work,
            new Promise((_, reject) => {
                timer = setTimeout(() => {
                    // What hangs keeps the process alive for minutes; the rest of the step gets its time.
                    setTimeout(() => process.exit(), REST_OF_STEP_MS).unref();
                    reject(new errors/* ActionError */.lZ("network", `it took longer than ${timeoutMs} ms`));
                }, timeoutMs);
                cancel = () => reject(new Error("cancelled"));
                signal?.addEventListener("abort", cancel, { once: true });
            }),
        ]);
    }
    finally {
        clearTimeout(timer);
        if (cancel !== undefined)
            signal?.removeEventListener("abort", cancel);
    }
}
/** The toolkit's debug lines hold signed addresses. */
function withoutUrls(said) {
    return said.replace(/https?:\/\/[^\s"]+/g, (url) => url.split("?")[0] ?? "");
}
function saveFailed(error) {
    return { kind: "failed", detail: (0,errors/* messageOf */.bD)(error) };
}
/** Limits of the service; a key that breaks them is a defect of the caller. */
function checkKeys(keys) {
    if (keys.length > 10)
        throw new Error("a lookup takes at most 10 keys");
    for (const key of keys) {
        if (key === "" || key.length > 512 || key.includes(",")) {
            throw new Error(`not a cache key: ${key}`);
        }
    }
}


/***/ })

};
