import { rootCertificates } from "node:tls";
import type { TarEntry } from "@go-cicd/oci/tar.ts";

/** The user that distroless images run as; every number above 0 would do, tools know this one. */
export const NONROOT = 65532;
export const HOME = "/home/nonroot";
export const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

const PASSWD = [
  "root:x:0:0:root:/root:/sbin/nologin",
  "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin",
  `nonroot:x:${NONROOT}:${NONROOT}:nonroot:${HOME}:/sbin/nologin`,
];
const GROUP = ["root:x:0:", "nobody:x:65534:", `nonroot:x:${NONROOT}:`];

/**
 * What a static Go program expects of a machine and no more: users, a place for temporary files and
 * the certificate authorities (Mozilla's, as this Node.js carries them, so they are as new as the
 * runner). Time zones are in the binary (build tag `timetzdata`).
 */
export function baseEntries(certificates: readonly string[] = rootCertificates): TarEntry[] {
  const folder = (name: string, mode = 0o755): TarEntry => ({ type: "folder", name, mode });
  const file = (name: string, lines: readonly string[]): TarEntry => ({
    type: "file",
    name,
    mode: 0o644,
    content: Buffer.from(`${lines.join("\n")}\n`),
  });
  return [
    folder("etc"),
    file("etc/group", GROUP),
    file("etc/passwd", PASSWD),
    folder("etc/ssl"),
    folder("etc/ssl/certs"),
    file(CA_BUNDLE.slice(1), certificates),
    folder("home"),
    { type: "folder", name: HOME.slice(1), mode: 0o700, uid: NONROOT, gid: NONROOT },
    folder("tmp", 0o1777),
  ];
}
