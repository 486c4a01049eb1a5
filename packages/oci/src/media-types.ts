/** Media types of image-spec v1.1 (media-types.md) and their Docker schema 2 equivalents. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
export const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
export const DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";

/** What a client that can read everything here sends as `Accept` for a manifest. */
export const ACCEPT_MANIFESTS = [OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST].join(", ");

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** How a layer of this type is compressed, or undefined for what is not a file system layer. */
export function compressionOf(mediaType: string): "none" | "gzip" | "zstd" | undefined {
  switch (mediaType) {
    case OCI_LAYER_GZIP:
    case DOCKER_LAYER_GZIP:
      return "gzip";
    case OCI_LAYER_ZSTD:
      return "zstd";
    case OCI_LAYER:
    case DOCKER_LAYER:
      return "none";
    default:
      return undefined;
  }
}
