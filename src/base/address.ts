/** Formats a host and port as an address; an IPv6 host gets brackets, `[::1]:9092`. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Host at which a program on this machine reaches a server that listens on `host`, which may be a wildcard address. */
export function reachableHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}
