const signatures: readonly (readonly [signature: readonly number[], type: string])[] = [
  [[0x25, 0x50, 0x44, 0x46, 0x2d], 'application/pdf'],
  [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], 'image/png'],
  [[0xff, 0xd8, 0xff], 'image/jpeg'],
  [[0x47, 0x49, 0x46, 0x38], 'image/gif'],
  [[0x1f, 0x8b, 0x08], 'application/x-gzip'],
  [[0x50, 0x4b, 0x03, 0x04], 'application/zip'],
]

/**
 * Guesses the type of a body from its first 512 bytes (WHATWG MIME Sniffing): markup, plain text, a known signature, or
 * bytes.
 */
export function detectContentType(body: Uint8Array): string {
  const head = body.subarray(0, 512)
  for (const [signature, type] of signatures) {
    if (signature.every((byte, index) => head[index] === byte)) return type
  }
  const text = Buffer.from(head).toString('latin1').trimStart().toLowerCase()
  if (/^<(!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>]/.test(text)) {
    return 'text/html; charset=utf-8'
  }
  if (text.startsWith('<?xml')) return 'text/xml; charset=utf-8'
  const isBinary = head.some(
    byte => byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 27,
  )
  return isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8'
}
