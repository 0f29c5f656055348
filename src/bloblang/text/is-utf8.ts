/**
 * Whether bytes are UTF-8. Node has a fast way; the syntax of mappings is also checked in browsers, where no module of Node may
 * be imported, so it is asked for at run time.
 */
export const isUtf8: (bytes: Uint8Array) => boolean =
  globalThis.process?.getBuiltinModule?.('node:buffer').isUtf8 ?? decodes

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
