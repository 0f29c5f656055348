/**
 * Rewrites a WebAssembly module so that it can be stopped: it decrements a counter in every loop iteration and at every
 * call, and asks its host for more when the counter reaches zero. Otherwise an endless loop in a module could only be
 * stopped by terminating its thread.
 *
 * The layout follows the core specification 3.0, section 5. Anything unknown is rejected, because an overlooked loop
 * would be an unmetered loop.
 */
import { ModuleError, ModuleReader } from './module-reader.ts'

/** Exports that are added to a rewritten module. */
export const METER_EXPORTS = { fuel: 'penstock.fuel', table: 'penstock.refuel' } as const

/** The fuel of a module while it is instantiated, when it cannot be refilled yet: about a second of loops. */
const FUEL_AT_START = 500_000_000
/**
 * The cost of an instruction that may touch much memory: a million iterations take a millisecond, as do 64 of these.
 */
const BULK_COST = 15_000
const PAGE_BYTES = 65_536

const SECTION = { type: 1, import: 2, table: 4, memory: 5, global: 6, export: 7, code: 10 } as const
/** Section ids in the order in which modules have them. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

/** The module with a meter, and with memories limited to `memoryBytes`. Throws a {@link ModuleError}. */
export function metered(module: Uint8Array, memoryBytes: number): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(module)
  const { known } = sections
  const types = countOf(known.get(SECTION.type))
  const imported = importCounts(known.get(SECTION.import))
  const globals = imported.globals + countOf(known.get(SECTION.global))
  const tables = imported.tables + countOf(known.get(SECTION.table))
  checkTypes(known.get(SECTION.type))
  const meter: Meter = { fuel: leb(globals), type: leb(types), table: leb(tables) }

  known.set(SECTION.type, appended(known.get(SECTION.type), [0x60, 0x00, 0x00]))
  known.set(SECTION.table, appended(known.get(SECTION.table), [0x70, 0x01, 0x01, 0x01]))
  known.set(SECTION.global, appended(known.get(SECTION.global), [0x7f, 0x01, 0x41, ...signedLeb(FUEL_AT_START), 0x0b]))
  known.set(
    SECTION.export,
    appended(
      known.get(SECTION.export),
      [...nameBytes(METER_EXPORTS.fuel), 0x03, ...meter.fuel, ...nameBytes(METER_EXPORTS.table), 0x01, ...meter.table],
      2,
    ),
  )
  const memory = known.get(SECTION.memory)
  if (memory !== undefined) known.set(SECTION.memory, boundedMemories(memory, memoryBytes))
  const code = known.get(SECTION.code)
  if (code !== undefined) known.set(SECTION.code, meteredCode(code, meter))
  return assembled(module, sections)
}

interface Meter {
  readonly fuel: readonly number[]
  readonly type: readonly number[]
  readonly table: readonly number[]
}

interface Sections {
  readonly known: Map<number, Uint8Array>
  readonly custom: readonly Uint8Array[]
}

function sectionsOf(module: Uint8Array): Sections {
  const reader = new ModuleReader(module)
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
  if (module.length < 8 || magic.some((byte, at) => module[at] !== byte)) {
    throw new ModuleError('this is not a WebAssembly module of version 1')
  }
  reader.skip(8)
  const known = new Map<number, Uint8Array>()
  const custom: Uint8Array[] = []
  while (!reader.atEnd) {
    const id = reader.byte()
    const body = reader.bytes(reader.u32())
    if (id === 0) custom.push(body)
    else if (!ORDER.includes(id) || known.has(id)) throw new ModuleError(`section ${id} is not understood`)
    else known.set(id, body)
  }
  return { known, custom }
}

function assembled(module: Uint8Array, { known }: Sections): Uint8Array<ArrayBuffer> {
  // Custom sections are dropped: their names and debug information refer to positions that have moved.
  const parts: Uint8Array[] = [module.subarray(0, 8)]
  for (const id of ORDER) {
    const body = known.get(id)
    if (body !== undefined) parts.push(Uint8Array.of(id, ...leb(body.length)), body)
  }
  return joined(parts)
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function countOf(section: Uint8Array | undefined): number {
  return section === undefined ? 0 : new ModuleReader(section).u32()
}

/** Appends entries to a section that is a vector. */
function appended(section: Uint8Array | undefined, entries: readonly number[], count = 1): Uint8Array {
  if (section === undefined) return Uint8Array.of(count, ...entries)
  const reader = new ModuleReader(section)
  const had = reader.u32()
  return joined([Uint8Array.from(leb(had + count)), section.subarray(reader.at), Uint8Array.from(entries)])
}

/** Rejects types for garbage-collected languages, with which one entry may declare several types. */
function checkTypes(section: Uint8Array | undefined): void {
  if (section === undefined) return
  const reader = new ModuleReader(section)
  for (let count = reader.u32(); count > 0; count--) {
    if (reader.byte() !== 0x60) throw new ModuleError('types of garbage collected languages are not supported')
    reader.valueTypes()
    reader.valueTypes()
  }
}

function importCounts(section: Uint8Array | undefined): { readonly globals: number; readonly tables: number } {
  let globals = 0
  let tables = 0
  if (section === undefined) return { globals, tables }
  const reader = new ModuleReader(section)
  for (let count = reader.u32(); count > 0; count--) {
    reader.skip(reader.u32())
    reader.skip(reader.u32())
    const kind = reader.byte()
    switch (kind) {
      case 0:
        reader.u32()
        break
      case 1:
        tables++
        reader.valueType()
        reader.limits()
        break
      case 2:
        reader.limits()
        break
      case 3:
        globals++
        reader.valueType()
        reader.byte()
        break
      case 4:
        reader.byte()
        reader.u32()
        break
      default:
        throw new ModuleError(`imports of kind ${kind} are not supported`)
    }
  }
  return { globals, tables }
}

function boundedMemories(section: Uint8Array, memoryBytes: number): Uint8Array {
  const reader = new ModuleReader(section)
  const count = reader.u32()
  const entries: number[] = []
  for (let i = 0; i < count; i++) {
    const { flags, min, max } = reader.limits()
    if ((flags & ~1) !== 0) throw new ModuleError('memories that are shared or of 64 bits are not supported')
    // All memories together stay below the limit.
    const most = Math.floor(memoryBytes / PAGE_BYTES / count)
    if (min > most) {
      const [has, may] = [min, most].map(pages => `${(pages * PAGE_BYTES) / 1024 / 1024} MiB`)
      throw new ModuleError(`it begins with ${has} of memory, and may have ${may}`)
    }
    entries.push(0x01, ...leb(min), ...leb(Math.min(max ?? most, most)))
  }
  return Uint8Array.from([...leb(count), ...entries])
}

function meteredCode(section: Uint8Array, meter: Meter): Uint8Array {
  const reader = new ModuleReader(section)
  const count = reader.u32()
  const round = countDown(meter, 1)
  const bulk = countDown(meter, BULK_COST)
  const parts: Uint8Array[] = [Uint8Array.from(leb(count))]
  for (let i = 0; i < count; i++) {
    const body = meteredBody(reader.bytes(reader.u32()), round, bulk)
    const length = body.reduce((sum, part) => sum + part.length, 0)
    parts.push(Uint8Array.from(leb(length)), ...body)
  }
  return joined(parts)
}

/** Counts down, asks for more below zero, and traps if it gets none. A trap cannot be caught. */
function countDown({ fuel, type, table }: Meter, cost: number): Uint8Array {
  const getFuel = [0x23, ...fuel]
  const isEmpty = [...getFuel, 0x41, 0x00, 0x48]
  const refuel = [0x41, 0x00, 0x11, ...type, ...table]
  return Uint8Array.from([
    ...[...getFuel, 0x41, ...signedLeb(cost), 0x6b, 0x24, ...fuel],
    ...[...isEmpty, 0x04, 0x40, ...refuel, ...isEmpty, 0x04, 0x40, 0x00, 0x0b, 0x0b],
  ])
}

function meteredBody(body: Uint8Array, round: Uint8Array, bulk: Uint8Array): Uint8Array[] {
  const reader = new ModuleReader(body)
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32()
    reader.valueType()
  }
  const start = reader.at
  const parts: Uint8Array[] = []
  let copied = 0
  let calls = false
  while (!reader.atEnd) {
    const at = reader.at
    const kind = reader.instruction()
    if (kind === 'loop' || kind === 'bulk') {
      // After the head of a loop; before a bulk instruction, whose operands stay on the stack.
      const place = kind === 'loop' ? reader.at : at
      parts.push(body.subarray(copied, place), kind === 'loop' ? round : bulk)
      copied = place
    } else if (kind === 'call') calls = true
  }
  parts.push(body.subarray(copied))
  // A function without calls cannot recurse.
  if (!calls) return parts
  const [first, ...rest] = parts
  return [first!.subarray(0, start), round, first!.subarray(start), ...rest]
}

/** Encodes an unsigned integer as LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}

/** Encodes a non-negative integer as signed LEB128. */
function signedLeb(value: number): number[] {
  const bytes = leb(value)
  return bytes.at(-1)! < 64 ? bytes : [...bytes.slice(0, -1), bytes.at(-1)! + 128, 0]
}

function nameBytes(name: string): number[] {
  return [name.length, ...new TextEncoder().encode(name)]
}
