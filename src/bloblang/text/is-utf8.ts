/**
 * Whether bytes are valid UTF-8. Node's fast implementation is looked up at run time, because the syntax of mappings is
 * also checked in browsers, which cannot import Node modules.
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
