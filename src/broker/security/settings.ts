import type { SecureContextOptions } from 'node:tls'
import type { SaslSettings } from './sasl.ts'

/** How the Kafka port is secured; omitted parts are open to everyone. */
export interface SecuritySettings {
  /** Clients may authenticate with SASL; with `required` they must, before anything else is answered. */
  readonly sasl?: SaslSettings & { readonly required: boolean }
  readonly tls?: TlsSettings
}

/** The certificate of the port, which may be replaced while the port is open. */
export interface TlsSettings {
  /** The current certificate, key and authorities of clients. */
  current(): SecureContextOptions
  /** Calls `listener` after a replacement. Returns a function that unsubscribes it. */
  onChange(listener: () => void): () => void
  /**
   * Whether clients must present a certificate of one of the authorities (mTLS); its subject becomes their principal.
   */
  readonly requiresClientCertificate: boolean
  /** Maps a certificate's distinguished name, such as `CN=alice,OU=pay,O=Shop`, to the principal's name. */
  principalOf(distinguishedName: string): string
}
