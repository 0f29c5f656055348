// Certificates for tests and for clusters on one machine: an authority, and what it issues. By default all are valid
// for a day.
import { generate } from 'selfsigned'

/** Certificate and key in PEM format. */
export interface IssuedCertificate {
  readonly cert: string
  readonly key: string
}

export interface Authority {
  /** The authority's own certificate, which clients trust. */
  readonly ca: string
  /** Issues a certificate for a server on this machine, or for a client with this name. */
  issue(commonName: string, validity?: Validity): Promise<IssuedCertificate>
}

export interface Validity {
  readonly notBeforeDate: Date
  readonly notAfterDate: Date
}

const curve = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

export async function makeAuthority(validity = oneDay()): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: 'Penstock test authority' }], {
    ...curve,
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return {
    ca: own.cert,
    async issue(commonName, validity = oneDay()) {
      const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
        ...curve,
        ...validity,
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: 'localhost' },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
      })
      return { cert, key }
    },
  }
}

function oneDay(): Validity {
  const now = Date.now()
  return { notBeforeDate: new Date(now - 3_600_000), notAfterDate: new Date(now + 86_400_000) }
}

/** Validity of a certificate that expired an hour ago. */
export function expired(): Validity {
  const now = Date.now()
  return { notBeforeDate: new Date(now - 86_400_000), notAfterDate: new Date(now - 3_600_000) }
}

/** Validity of a certificate that becomes valid in an hour. */
export function comingUp(): Validity {
  const now = Date.now()
  return { notBeforeDate: new Date(now + 3_600_000), notAfterDate: new Date(now + 86_400_000) }
}
