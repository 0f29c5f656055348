/** A host and a port as addresses are written: an IPv6 address gets brackets, `[::1]:9092`. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Where a program of this machine reaches a server that listens on `host`, which may stand for all addresses. */
export function reachableHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}
