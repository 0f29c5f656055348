import process from 'node:process'
import { FUNCTION_SIGNATURES, METHOD_SIGNATURES } from '../bloblang/index.ts'
import type { ComponentKind } from '../engine/index.ts'
import type { EngineOptions } from './options.ts'
import { registryOf } from './templates.ts'

const KINDS: readonly (readonly [plural: string, kind: ComponentKind])[] = [
  ['Inputs', 'input'],
  ['Processors', 'processor'],
  ['Outputs', 'output'],
  ['Caches', 'cache'],
  ['Rate Limits', 'rate_limit'],
  ['Buffers', 'buffer'],
  ['Metrics', 'metrics'],
  ['Tracers', 'tracer'],
  ['Scanners', 'scanner'],
]

/** Lists the components of some kinds, or of all. Resolves to the exit code. */
export async function listComponents(
  options: EngineOptions,
  { format, status }: { readonly format: string; readonly status: string },
): Promise<number> {
  const registry = await registryOf(options)
  await registry.loadAll()
  const wanted = options.words.map(word => word.toLowerCase().replaceAll('_', '-'))
  const idOf = (plural: string) => plural.toLowerCase().replaceAll(' ', '-')
  const isWanted = (plural: string) =>
    wanted.length === 0 || wanted.some(word => word === idOf(plural) || `${word}s` === idOf(plural))
  const namesOf = (kind: ComponentKind) =>
    registry.names(kind).filter(name => status === '' || (registry.get(kind, name)?.status ?? 'stable') === status)
  const isRunnable = (kind: ComponentKind, name: string) => registry.implements(kind, name)
  // Programs read the names as the original prints them, so the marks are printed on standard error.
  const marks = process.stdout.isTTY
  const shown = KINDS.filter(([plural]) => isWanted(plural))
  const language = (
    [
      ['Bloblang Functions', FUNCTION_SIGNATURES],
      ['Bloblang Methods', METHOD_SIGNATURES],
    ] as const
  ).filter(([plural]) => isWanted(plural))
  // The original omits deprecated functions and methods, whatever is asked for.
  const wordsOf = (signatures: typeof METHOD_SIGNATURES) =>
    signatures
      .filter(entry => entry.status !== 'deprecated' && (status === '' || entry.status === status))
      .map(entry => entry.name)
  switch (format) {
    case 'json': {
      const lists = Object.fromEntries([
        ...language.map(([plural, signatures]) => [idOf(plural), wordsOf(signatures)] as const),
        ...shown.map(([plural, kind]) => [idOf(plural), namesOf(kind)] as const),
      ])
      process.stdout.write(`${JSON.stringify(lists)}\n`)
      return 0
    }
    case 'text': {
      const sections = [
        ...shown.map(([plural, kind]) => {
          const mark = (name: string) => (marks && !isRunnable(kind, name) ? ' (not supported yet)' : '')
          return section(
            plural,
            namesOf(kind).map(name => `${name}${mark(name)}`),
          )
        }),
        ...language.map(([plural, signatures]) => section(plural, wordsOf(signatures))),
      ]
      process.stdout.write(sections.join('\n'))
      if (!marks) noteUnsupported(shown.flatMap(([, kind]) => namesOf(kind).filter(name => !isRunnable(kind, name))))
      return 0
    }
    default:
      process.stderr.write(`Unrecognised format: ${format}\n`)
      return 1
  }
}

function section(title: string, names: readonly string[]): string {
  return [`${title}:`, ...names.map(name => `  - ${name}`), ''].join('\n')
}

function noteUnsupported(names: readonly string[]): void {
  if (names.length === 0) return
  process.stderr.write(`Known but not supported by Penstock yet: ${[...new Set(names)].toSorted().join(', ')}\n`)
}
