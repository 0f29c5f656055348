import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { codeOf, messageOf } from '../base/index.ts'
import { FlagError } from './flags.ts'
import type { KafkaSecurityFlags } from './kafka-security-flags.ts'

type CertificateFlags = Pick<
  KafkaSecurityFlags,
  'tlsServerCertFile' | 'tlsServerPrivateKeyFile' | 'tlsClientCACertFile'
>

/**
 * Certificate, key and client authorities, read from the files of the flags. Throws {@link FlagError} for anything that
 * clients could not use at `now`, in milliseconds since 1970: OpenSSL itself would accept most of it, and every
 * handshake would fail.
 */
export function readCertificates(flags: CertificateFlags, now: number): SecureContextOptions {
  const { tlsServerCertFile, tlsServerPrivateKeyFile, tlsClientCACertFile } = flags
  const cert = readFlagFile('tlsServerCertFile', tlsServerCertFile)
  const key = readFlagFile('tlsServerPrivateKeyFile', tlsServerPrivateKeyFile)
  // The port's own certificate is the first; those of intermediate authorities follow.
  const [own] = certificatesIn('tlsServerCertFile', tlsServerCertFile, cert)
  const expired = untimely(own!, now)
  if (expired !== undefined)
    throw new FlagError(`-tlsServerCertFile: the certificate in ${tlsServerCertFile} ${expired}`)
  if (!own!.checkPrivateKey(privateKeyIn(tlsServerPrivateKeyFile, key)))
    throw new FlagError(
      `-tlsServerPrivateKeyFile: the key in ${tlsServerPrivateKeyFile} is not that of the certificate in ${tlsServerCertFile} (-tlsServerCertFile)`,
    )
  const options = { cert, key, ...(tlsClientCACertFile !== '' && { ca: readAuthorities(tlsClientCACertFile, now) }) }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new FlagError(`-tlsServerCertFile, -tlsServerPrivateKeyFile cannot be used: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return options
}

/** Collections of authorities contain expired ones, which do no harm if another one is valid. */
function readAuthorities(path: string, now: number): Buffer {
  const bytes = readFlagFile('tlsClientCACertFile', path)
  const reasons = certificatesIn('tlsClientCACertFile', path, bytes).map(one => untimely(one, now))
  if (reasons.every(reason => reason !== undefined))
    throw new FlagError(
      reasons.length === 1
        ? `-tlsClientCACertFile: the certificate in ${path} ${reasons[0]}`
        : `-tlsClientCACertFile: none of the ${reasons.length} certificates in ${path} is valid; the first one ${reasons[0]}`,
    )
  return bytes
}

/** The certificates in a file, at least one. */
function certificatesIn(flag: string, path: string, bytes: Buffer): X509Certificate[] {
  const blocks = bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs)
  if (blocks === null) throw new FlagError(`-${flag}: ${path} has no certificate in PEM (-----BEGIN CERTIFICATE-----)`)
  return blocks.map(block => {
    try {
      return new X509Certificate(block)
    } catch (error) {
      throw new FlagError(`-${flag}: a certificate in ${path} is damaged: ${messageOf(error)}`, { cause: error })
    }
  })
}

function privateKeyIn(path: string, key: Buffer): KeyObject {
  try {
    return createPrivateKey(key)
  } catch (error) {
    const reason =
      // How PKCS #8 and the older format mark an encrypted key.
      key.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || key.includes('Proc-Type: 4,ENCRYPTED')
        ? `the key in ${path} has a passphrase, which there is no flag for; store it without one`
        : `${path} has no private key in PEM: ${messageOf(error)}`
    throw new FlagError(`-tlsServerPrivateKeyFile: ${reason}`, { cause: error })
  }
}

/** Why a certificate is not valid at this time; undefined if it is. */
function untimely({ validFromDate, validToDate }: X509Certificate, now: number): string | undefined {
  if (validToDate.getTime() < now) return `expired at ${validToDate.toISOString()}`
  if (validFromDate.getTime() > now) return `is not valid before ${validFromDate.toISOString()}`
  return undefined
}

function readFlagFile(name: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new FlagError(`-${name}: cannot read ${path} (${codeOf(error)})`, { cause: error })
  }
}
