import type { Random } from '../base/index.ts'

/** A prefix such as `vci_` and a UUID in the original's spelling: `vci_3ca57c80_95a8_464a_b302_f2ec3332c9ee`. */
export function newId(prefix: 'vci' | 'pi' | 'pci' | 'aki' | 'agt' | 'ins' | 'api' | 'cci', random: Random): string {
  const digits = hex(random.bytes(16))
  const parts = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)]
  return `${prefix}_${parts.join('_')}`
}

/** A secret of 256 bits: `aks_` for API keys, `sks_` for sign-in tokens and sessions. */
export function newSecret(prefix: 'aks' | 'sks', random: Random): string {
  return `${prefix}_${hex(random.bytes(32))}`
}

/** The username of credentials: `ccun_` and 64 hexadecimal digits. */
export function newUsername(random: Random): string {
  return `ccun_${hex(random.bytes(32))}`
}

/** The password of credentials: `ccp_` and 64 hexadecimal digits. */
export function newPassword(random: Random): string {
  return `ccp_${hex(random.bytes(32))}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
