import { Buffer } from 'node:buffer'
import type { ByteSource } from '../../engine/index.ts'

/** Reads the rest of a source. */
export async function readAll(source: ByteSource): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (let piece = await source.read(); piece !== null; piece = await source.read()) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** A source with different pieces that closes the source it is derived from. */
export function derivedSource(source: ByteSource, read: () => Promise<Uint8Array | null>): ByteSource {
  return { name: source.name, metadata: source.metadata, read, close: () => source.close() }
}
