/** An artifact of this workflow run. */
export interface Artifact {
  id: number;
  name: string;
  /** Bytes of the stored archive. */
  size: number;
  /** `sha256:<hex>` of the stored archive, where the service says it. */
  digest: string | undefined;
}

export type UploadResult =
  | { kind: "uploaded"; artifact: Artifact }
  /** Names are unique per run. */
  | { kind: "exists"; name: string }
  | { kind: "unavailable"; detail: string };

export type ArtifactList =
  { kind: "listed"; artifacts: Artifact[] } | { kind: "unavailable"; detail: string };

export type DownloadResult =
  | { kind: "downloaded"; folder: string }
  | { kind: "mismatch"; detail: string }
  | { kind: "unavailable"; detail: string };

/** Files that jobs of one run hand to each other. */
export interface Artifacts {
  /** `files` are absolute and below `root`; names inside the artifact are relative to it. */
  upload(name: string, files: readonly string[], root: string): Promise<UploadResult>;
  /** Artifacts of this run whose name starts with `prefix`, newest first per name. */
  list(prefix: string): Promise<ArtifactList>;
  /** Unpacks into `folder`; the stored digest is checked. */
  download(artifact: Artifact, folder: string): Promise<DownloadResult>;
}
