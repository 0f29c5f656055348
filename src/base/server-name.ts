import { isIP } from 'node:net'

/** The name of a server in a TLS handshake; undefined for an address, which is not sent as a name (RFC 6066, section 3). */
export function serverName(host: string): string | undefined {
  return isIP(host) === 0 ? host : undefined
}
