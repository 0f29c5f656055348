import { Buffer } from 'node:buffer'
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

/** A file in an archive. */
export interface Member {
  readonly name: string
  readonly bytes: Uint8Array
}

const BLOCK = 512

/** Packs files into a tar archive (ustar). `now` is in milliseconds since 1970. */
export function packTar(members: readonly Member[], now: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (const { name, bytes } of members) {
    const header = Buffer.alloc(BLOCK)
    header.write(name, 0, 100, 'utf8')
    const octal = (value: number, offset: number, width: number) =>
      header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
    octal(0o666, 100, 8)
    octal(0, 108, 8)
    octal(0, 116, 8)
    octal(bytes.length, 124, 12)
    octal(Math.floor(now / 1000), 136, 12)
    header.fill(' ', 148, 156)
    header.write('0', 156, 'latin1')
    header.write('ustar\x0000', 257, 'latin1')
    let sum = 0
    for (const byte of header) sum += byte
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    parts.push(header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK))
  }
  parts.push(Buffer.alloc(2 * BLOCK))
  return Buffer.concat(parts)
}

/** The files of a tar archive. Throws an `Error` if it is not one. */
export function unpackTar(archive: Uint8Array): readonly Member[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.length)
  const members: Member[] = []
  let longName: string | undefined
  for (let offset = 0; offset < bytes.length; ) {
    if (offset + BLOCK > bytes.length) throw new Error('unexpected EOF')
    const header = bytes.subarray(offset, offset + BLOCK)
    if (header.every(byte => byte === 0)) break
    const text = (start: number, length: number) =>
      header
        .subarray(start, start + length)
        .toString('utf8')
        .replace(/\0.*$/s, '')
    const size = parseInt(text(124, 12).trim() || '0', 8)
    let sum = 0
    for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!
    if (Number.isNaN(size) || sum !== parseInt(text(148, 8).trim(), 8))
      throw new Error('archive/tar: invalid tar header')
    const start = offset + BLOCK
    if (start + size > bytes.length) throw new Error('unexpected EOF')
    const content = bytes.subarray(start, start + size)
    const kind = text(156, 1)
    if (kind === 'L') longName = content.toString('utf8').replace(/\0.*$/s, '')
    else if (kind === '' || kind === '0') {
      const prefix = text(257, 5) === 'ustar' ? text(345, 155) : ''
      members.push({ name: longName ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`), bytes: content })
      longName = undefined
    }
    offset = start + Math.ceil(size / BLOCK) * BLOCK
  }
  return members
}

/** Packs files into a zip archive. */
export function packZip(members: readonly Member[]): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const { name, bytes } of members) {
    const nameBytes = Buffer.from(name, 'utf8')
    const packed = deflateRawSync(bytes)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800, 2)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, nameBytes]))
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

/** The files of a zip archive. Throws an `Error` if it is not one. */
export function unpackZip(archive: Uint8Array): readonly Member[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.length)
  const end = bytes.lastIndexOf('PK\x05\x06', bytes.length, 'latin1')
  if (end === -1 || end + 22 > bytes.length) throw new Error('zip: not a valid zip file')
  const members: Member[] = []
  let offset = bytes.readUInt32LE(end + 16)
  for (let count = bytes.readUInt16LE(end + 10); count > 0; count--) {
    if (offset + 46 > bytes.length || bytes.toString('latin1', offset, offset + 4) !== 'PK\x01\x02') {
      throw new Error('zip: not a valid zip file')
    }
    const method = bytes.readUInt16LE(offset + 10)
    const packedSize = bytes.readUInt32LE(offset + 20)
    const nameSize = bytes.readUInt16LE(offset + 28)
    const local = bytes.readUInt32LE(offset + 42)
    const name = bytes.toString('utf8', offset + 46, offset + 46 + nameSize)
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
    const packed = bytes.subarray(start, start + packedSize)
    members.push({ name, bytes: method === 0 ? packed : inflateRawSync(packed) })
    offset += 46 + nameSize + bytes.readUInt16LE(offset + 30) + bytes.readUInt16LE(offset + 32)
  }
  return members
}

/** Concatenates parts, each preceded by its size, after a header with their number. */
export function packBinary(parts: readonly Uint8Array[]): Uint8Array {
  const uint32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  return Buffer.concat([uint32(parts.length), ...parts.flatMap(part => [uint32(part.length), part])])
}

/** The parts packed by {@link packBinary}. Throws an `Error` if bytes are missing. */
export function unpackBinary(packed: Uint8Array): readonly Uint8Array[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const fail = () => new Error('serialised message bytes were in unexpected format')
  if (bytes.length < 4) throw fail()
  const parts: Uint8Array[] = []
  let offset = 4
  for (let count = bytes.readUInt32BE(0); count > 0; count--) {
    if (offset + 4 > bytes.length) throw fail()
    const size = bytes.readUInt32BE(offset)
    offset += 4
    if (offset + size > bytes.length) throw fail()
    parts.push(bytes.subarray(offset, offset + size))
    offset += size
  }
  return parts
}
