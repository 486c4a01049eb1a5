import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import type { BlobWrite } from "./blobs.ts";
import { Refusal, type Exchange } from "./exchange.ts";
import type { Desk, Route } from "./routes.ts";
import { mayUse, type BlobRight } from "./signed-urls.ts";

/** The part of Azure Blob Storage's REST interface that the toolkit's clients use. */
export function blobRoutes(desk: Desk): Route[] {
  const path = /^\/act\/blobs\/([0-9a-f-]{36})$/;
  const guarded =
    (right: BlobRight, work: (exchange: Exchange, blob: string) => Promise<void>) =>
    async (exchange: Exchange, [blob = ""]: readonly string[]): Promise<void> => {
      if (!mayUse(desk, blob, right, exchange.url)) {
        throw blobError(403, "AuthenticationFailed", "Signature did not match, or it has expired.");
      }
      await work(exchange, blob);
    };
  return [
    { method: "PUT", path, answer: guarded("w", (exchange, blob) => put(desk, exchange, blob)) },
    { method: "GET", path, answer: guarded("r", (exchange, blob) => get(desk, exchange, blob)) },
    { method: "HEAD", path, answer: guarded("r", (exchange, blob) => get(desk, exchange, blob)) },
  ];
}

async function put(desk: Desk, exchange: Exchange, blob: string): Promise<void> {
  const kind = exchange.url.searchParams.get("comp") ?? "blob";
  const written = await (async (): Promise<BlobWrite> => {
    switch (kind) {
      case "block": {
        const block = exchange.url.searchParams.get("blockid") ?? "";
        // Azure: the decoded id has at most 64 bytes.
        if (block === "" || Buffer.from(block, "base64").length > 64) {
          throw blobError(400, "InvalidQueryParameterValue", "blockid is missing or too long.");
        }
        return desk.blobs.putBlock(blob, block, exchange.body());
      }
      case "blocklist":
        return desk.blobs.commit(blob, blockList(await exchange.text()));
      case "blob":
        return desk.blobs.put(blob, exchange.body());
      default:
        throw blobError(400, "InvalidQueryParameterValue", `comp=${kind} is not supported.`);
    }
  })();
  switch (written.kind) {
    case "written":
      await exchange.send(201, "", {
        ...storageHeaders(exchange),
        etag: `"${randomUUID()}"`,
        "last-modified": new Date().toUTCString(),
        "x-ms-request-server-encrypted": "false",
      });
      return;
    case "closed":
      throw blobError(409, "BlobImmutableDueToPolicy", "The upload of this blob has ended.");
    case "unknown-block":
      throw blobError(400, "InvalidBlockList", "The specified block list is invalid.");
  }
}

/** Ids of `<BlockList><Latest>…</Latest>…</BlockList>`, in the order of the list. */
function blockList(xml: string): string[] {
  return [...xml.matchAll(/<(Latest|Committed|Uncommitted)>([^<]*)<\/\1>/g)].map(
    ([, , id = ""]) => id,
  );
}

async function get(desk: Desk, exchange: Exchange, blob: string): Promise<void> {
  const path = desk.blobs.path(blob);
  const file = await stat(path).catch(() => undefined);
  if (file === undefined)
    throw blobError(404, "BlobNotFound", "The specified blob does not exist.");
  const parameters = exchange.url.searchParams;
  const disposition = parameters.get("rscd");
  const headers = {
    ...storageHeaders(exchange),
    "accept-ranges": "bytes",
    "content-type": parameters.get("rsct") ?? "application/octet-stream",
    ...(disposition === null ? {} : { "content-disposition": disposition }),
    etag: `"${blob}"`,
    "last-modified": file.mtime.toUTCString(),
    "x-ms-blob-type": "BlockBlob",
  };
  const wanted = desk.lies.has("ignore-ranges")
    ? undefined
    : (exchange.header("x-ms-range") ?? exchange.header("range"));
  const range = wanted === undefined ? undefined : byteRange(wanted, file.size);
  if (range === "unsatisfiable") {
    throw new Refusal(416, "", { ...headers, "content-range": `bytes */${file.size}` });
  }
  if (range === undefined) {
    await exchange.sendFile(200, path, { start: 0, end: file.size - 1 }, headers);
  } else {
    const contentRange = `bytes ${range.start}-${range.end}/${file.size}`;
    await exchange.sendFile(206, path, range, { ...headers, "content-range": contentRange });
  }
}

/** One range of RFC 9110, section 14.1.2; anything else is ignored, as the RFC allows. */
export function byteRange(
  header: string,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  const [, first = "", last = ""] = match ?? [];
  if (match === null || (first === "" && last === "")) return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}

function storageHeaders(exchange: Exchange): Record<string, string> {
  const requestId = exchange.header("x-ms-client-request-id");
  return {
    "x-ms-request-id": randomUUID(),
    "x-ms-version": exchange.header("x-ms-version") ?? "2026-02-06",
    ...(requestId === undefined ? {} : { "x-ms-client-request-id": requestId }),
  };
}

function blobError(status: number, code: string, message: string): Refusal {
  const xml = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Refusal(status, xml, { "content-type": "application/xml", "x-ms-error-code": code });
}
