import type { Desk } from "./routes.ts";

export type BlobRight = "r" | "w";

/** Headers that the answer to a download carries. */
export interface DownloadHeaders {
  contentType: string;
  contentDisposition: string;
}

/** A URL that alone gives the right to read or write one blob, for a while. */
export function signedUrl(
  desk: Desk,
  blob: string,
  right: BlobRight,
  headers?: DownloadHeaders,
): string {
  const origin = desk.blobHost === undefined ? desk.origin() : `http://${desk.blobHost}`;
  const url = new URL(`/act/blobs/${blob}`, origin);
  const expiry = new Date(Date.now() + desk.urlLifetimeMs).toISOString();
  url.searchParams.set("sv", "2026-02-06");
  url.searchParams.set("sr", "b");
  url.searchParams.set("sp", right);
  url.searchParams.set("se", expiry);
  if (headers !== undefined) {
    url.searchParams.set("rsct", headers.contentType);
    url.searchParams.set("rscd", headers.contentDisposition);
  }
  url.searchParams.set("sig", signature(desk, blob, url.searchParams));
  return url.href;
}

/** Whether the URL was signed here, for this right, and has not expired. */
export function mayUse(desk: Desk, blob: string, right: BlobRight, url: URL): boolean {
  if (desk.lies.has("ignore-signatures")) return true;
  const parameters = url.searchParams;
  const fresh = Date.parse(parameters.get("se") ?? "") > Date.now();
  return (
    fresh &&
    parameters.get("sp") === right &&
    desk.signer.signedBy(parameters.get("sig") ?? "", ...signedParts(blob, parameters))
  );
}

function signature(desk: Desk, blob: string, parameters: URLSearchParams): string {
  return desk.signer.sign(...signedParts(blob, parameters));
}

function signedParts(blob: string, parameters: URLSearchParams): string[] {
  return [blob, ...["sp", "se", "rsct", "rscd"].map((name) => parameters.get(name) ?? "")];
}
