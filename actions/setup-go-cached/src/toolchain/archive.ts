import { createHash, timingSafeEqual } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { TarHeader } from "modern-tar";
import { unpackTar } from "modern-tar/fs";
import { ActionError, isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import { shownUrl } from "@go-cicd/core/http-policy.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { archiveName, type Platform } from "./platform.ts";
import { distributionSums, isNeeded, toolchainSum } from "./tree-sum.ts";
import { isPlainPath, unpackZip } from "./zip.ts";

/** How what is downloaded is known to be right. */
export type Check =
  /** SHA-256 of the archive, in hex. */
  | { kind: "archive"; sha256: string }
  /** h1 hash of the same toolchain as a module, taken of what was unpacked. */
  | { kind: "tree"; sum: string };

/** No archive of Go comes near these: what is longer is not one. */
const MAX_ARCHIVE_BYTES = 512 * 1024 ** 2;
const MAX_UNPACKED_BYTES = 2 * 1024 ** 3;
const MAX_ENTRIES = 100_000;

/**
 * Streams an archive of Go into a folder, in which `go` becomes its GOROOT. The caller gives the
 * folder no name before this has returned.
 * @throws ActionError `integrity` when it is not what `check` says, `network` when nothing usable
 * came, `environment` when the disk is full.
 * @param maxUnpackedBytes what is larger is a bomb
 */
export async function downloadArchive(
  base: string,
  version: string,
  platform: Platform,
  check: Check,
  folder: string,
  ports: Pick<Ports, "http" | "signal">,
  maxUnpackedBytes = MAX_UNPACKED_BYTES,
): Promise<void> {
  const filename = archiveName(version, platform);
  const url = `${base.replace(/\/+$/, "")}/${filename}`;
  const sha256 = filename.endsWith(".zip")
    ? await downloadZip(url, folder, ports)
    : await downloadTar(url, folder, ports, maxUnpackedBytes);
  if (check.kind === "archive") {
    const wanted = Buffer.from(check.sha256, "hex");
    if (wanted.length !== sha256.length || !timingSafeEqual(wanted, sha256)) {
      throw wrong(
        `${shownUrl(url)} has the SHA-256 ${sha256.toString("hex")}, not ${check.sha256}`,
      );
    }
    return;
  }
  const found = toolchainSum(version, platform, await distributionSums(join(folder, "go")));
  expectSum(`the content of ${shownUrl(url)}`, found, check.sum);
}

/** @throws ActionError `integrity` when a sum is another one. */
export function expectSum(what: string, found: string, wanted: string): void {
  if (found !== wanted) throw wrong(`${what} has the sum ${found}, not ${wanted}`);
}

function wrong(message: string): ActionError {
  return new ActionError("integrity", message, {
    hint: "It is refused. Is the sum that of this version and platform? A build other than Go's own needs go-download-sha256.",
  });
}

async function downloadTar(
  url: string,
  folder: string,
  ports: Pick<Ports, "http" | "signal">,
  maxUnpackedBytes: number,
): Promise<Buffer> {
  const sum = createHash("sha256");
  let entries = 0;
  await stream(url, ports, (body) =>
    pipeline(
      body,
      tap((chunk) => sum.update(chunk), MAX_ARCHIVE_BYTES),
      createGunzip(),
      tap(() => undefined, maxUnpackedBytes),
      unpackTar(folder, { strict: true, filter: (header) => isTaken(header, (entries += 1)) }),
      { signal: ports.signal },
    ),
  );
  return sum.digest();
}

/**
 * Whether an entry of a tar archive is unpacked. That happens before the sum is known, so what could
 * act outside of the folder, or later, is refused: Go's archives hold files and folders alone, in
 * `go` (cmd/distpack/archive.go).
 * @throws ActionError `integrity` for a link, a device and a path that is none of a distribution.
 */
function isTaken({ name, type }: Pick<TarHeader, "name" | "type">, entries: number): boolean {
  if (entries > MAX_ENTRIES) throw refused(`more than ${MAX_ENTRIES} entries`);
  if (type !== "file" && type !== "directory") {
    throw refused(`${JSON.stringify(name)}, which is neither a file nor a folder`);
  }
  if (!isPlainPath(name)) throw refused(`the name ${JSON.stringify(name)}`);
  return name.startsWith("go/") && isNeeded(name.slice("go/".length));
}

function refused(what: string): ActionError {
  return new ActionError("integrity", `The archive holds ${what}`, {
    hint: "It is refused: the archives of Go hold files and folders alone.",
  });
}

async function downloadZip(
  url: string,
  folder: string,
  ports: Pick<Ports, "http" | "signal">,
): Promise<Buffer> {
  const archive = join(folder, "archive.zip");
  const sum = await downloadFile(url, archive, ports);
  await unpackZip(archive, folder, (name) =>
    name.startsWith("go/") && isNeeded(name.slice("go/".length)) ? name : undefined,
  );
  await rm(archive);
  return sum;
}

/**
 * Streams a URL into a new file. A zip has its directory at its end, so it needs to be one.
 * @returns its SHA-256
 */
export async function downloadFile(
  url: string,
  path: string,
  ports: Pick<Ports, "http" | "signal">,
): Promise<Buffer> {
  const sum = createHash("sha256");
  await stream(url, ports, (body) =>
    pipeline(
      body,
      tap((chunk) => sum.update(chunk), MAX_ARCHIVE_BYTES),
      createWriteStream(path, { flags: "wx" }),
      { signal: ports.signal },
    ),
  );
  return sum.digest();
}

/** A server's answer that there is no such thing (the statuses at which go asks the next proxy). */
export class NotThere extends ActionError {}

/** A status that is not 200, as an error. */
export function answered(url: string, status: number): ActionError {
  const message = `${shownUrl(url)} answered ${status}`;
  return status === 404 || status === 410
    ? new NotThere("network", message)
    : new ActionError("network", message);
}

async function stream(
  url: string,
  { http, signal }: Pick<Ports, "http" | "signal">,
  consume: (body: NodeJS.ReadableStream) => Promise<void>,
): Promise<void> {
  const { status, stream: body } = await http.stream({
    method: "GET",
    url,
    timeoutMs: 60_000,
    signal,
  });
  if (status !== 200) {
    body.on("error", () => undefined).destroy();
    throw answered(url, status);
  }
  try {
    await consume(body);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ActionError || isSystemError(error, "ENOSPC", "EDQUOT", "EACCES")) {
      throw error;
    }
    throw new ActionError("network", `${shownUrl(url)} did not come whole: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function tap(see: (chunk: Buffer) => void, limit: number): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      see(chunk);
      if (bytes > limit) done(new ActionError("network", `It is longer than ${limit} bytes`));
      else done(null, chunk);
    },
  });
}
