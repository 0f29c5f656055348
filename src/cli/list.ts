import process from 'node:process'
import { FUNCTION_SIGNATURES, METHOD_SIGNATURES, printJson, type Value } from '../bloblang/index.ts'
import type { ComponentKind } from '../engine/index.ts'
import { cueSource } from './cue.ts'
import { fullSchema } from './full-schema.ts'
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
  // The original omits what is deprecated, whatever is asked for.
  const isListed = ({ status: own = 'stable' }: { readonly status?: string }) =>
    own !== 'deprecated' && (status === '' || own === status)
  const namesOf = (kind: ComponentKind) => registry.names(kind).filter(name => isListed(registry.get(kind, name) ?? {}))
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
  const wordsOf = (signatures: typeof METHOD_SIGNATURES) => signatures.filter(isListed).map(entry => entry.name)
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
    case 'json-full':
    case 'json-full-scrubbed': {
      const schema = fullSchema(registry, { status, scrubbed: format === 'json-full-scrubbed' })
      // The schema is a document, in which some defaults are big integers.
      process.stdout.write(`${printJson(schema as unknown as Value)}\n`)
      return 0
    }
    case 'cue':
      process.stdout.write(cueSource(fullSchema(registry, { status })))
      return 0
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
