import { hostPort } from './address.ts'

const UNKNOWN_AUTHORITY = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'

/** What Node and OpenSSL say of a connection that failed, and what the original says: users match texts such as "connection refused". */
const reasons: readonly (readonly [RegExp, (...groups: readonly string[]) => string])[] = [
  [/^connect ECONNREFUSED (\S+):(\d+)/, (host, port) => `${dialled(host, port)}: connect: connection refused`],
  [/^connect EHOSTUNREACH (\S+):(\d+)/, (host, port) => `${dialled(host, port)}: connect: no route to host`],
  [/^connect ENETUNREACH (\S+):(\d+)/, (host, port) => `${dialled(host, port)}: connect: network is unreachable`],
  [/^connect ETIMEDOUT (\S+):(\d+)/, (host, port) => `${dialled(host, port)}: connect: connection timed out`],
  [/^getaddrinfo ENOTFOUND (\S+)$/, host => `dial tcp: lookup ${host}: no such host`],
  [/^read ECONNRESET$/, () => 'read: connection reset by peer'],
  [/^self-signed certificate(?: in certificate chain)?(?:;|$)/, () => UNKNOWN_AUTHORITY],
  // With some of them Node gives advice on its own flags.
  [/^unable to (?:verify the first certificate|get (?:local )?issuer certificate)(?:;|$)/, () => UNKNOWN_AUTHORITY],
  [
    /^certificate has expired$/,
    () => 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  ],
  // Errors of OpenSSL name the places in its own sources: `40A3:error:0A00010B:SSL routines:name:wrong version number:../x.c:78:`.
  [
    /^(?:write EPROTO )?[\dA-F]+:error:[\dA-F]+:SSL routines:[^:]*:wrong version number:/,
    () => 'tls: first record does not look like a TLS handshake',
  ],
  [/^(?:write EPROTO )?[\dA-F]+:error:[\dA-F]+:SSL routines:[^:]*:([^:]+):/, reason => `tls: ${reason}`],
]

/** Node's codes for a certificate that is not accepted (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const certificateCodes: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Whether a connection failed, perhaps as a cause of the error, because the server's certificate is not accepted. Trying again does not help. */
export function isCertificateRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const isRefused = 'code' in error && typeof error.code === 'string' && certificateCodes.has(error.code)
  return isRefused || isCertificateRefused(error.cause)
}

/** The reason why a connection failed in the words of the original, for a message that Node gave; other messages stay as they are. */
export function inWordsOfTheOriginal(message: string): string {
  for (const [pattern, say] of reasons) {
    const match = pattern.exec(message)
    if (match !== null) return say(...match.slice(1))
  }
  return message
}

function dialled(host = '', port = ''): string {
  return `dial tcp ${hostPort(host, Number(port))}`
}
