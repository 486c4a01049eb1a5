/** True for the names and addresses of this machine, with or without brackets. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

/**
 * Scheme and host of a registry's API. Plain HTTP only for this machine. Docker Hub serves its API
 * under another name than the one in references (distribution/reference, docker/docker registry).
 */
export function endpointOf(registry: string): URL {
  if (registry === "docker.io") return new URL("https://registry-1.docker.io");
  const secure = new URL(`https://${registry}`);
  return isLoopback(secure.hostname) ? new URL(`http://${registry}`) : secure;
}
