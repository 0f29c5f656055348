import type { SecureContextOptions } from 'node:tls'
import type { SaslSettings } from './sasl.ts'

/** How the Kafka port is secured; what is left out is open to everyone. */
export interface SecuritySettings {
  /** Clients may authenticate by SASL; with `required` they have to before anything else is answered. */
  readonly sasl?: SaslSettings & { readonly required: boolean }
  readonly tls?: TlsSettings
}

/** The certificate of the port, which may be replaced while it is open. */
export interface TlsSettings {
  /** Certificate, key and the authorities of clients, as they are now. */
  current(): SecureContextOptions
  /** Calls `listener` after a replacement. Returns the way to stop it. */
  onChange(listener: () => void): () => void
  /** Whether clients must show a certificate of one of the authorities (mTLS); its subject becomes their principal. */
  readonly requiresClientCertificate: boolean
  /** The principal's name of a certificate's distinguished name, as in `CN=alice,OU=pay,O=Shop`. */
  principalOf(distinguishedName: string): string
}
