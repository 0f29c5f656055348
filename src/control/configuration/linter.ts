import { isMap, isScalar, LineCounter, parseDocument, type YAMLParseError } from 'yaml'
import { lintConfig, type ReadOptions, type Registry } from '../../engine/index.ts'
import type { Finding } from '../api-types.ts'
import type { PipelineLinter } from '../pipelines.ts'
import { managedComponents } from './components.ts'
import { placeInScalar } from './scalar-place.ts'
import { settingsOf } from './settings.ts'

export interface LinterOptions {
  readonly registry: Registry
  /** The part of the host that mappings may see; the agent's pipelines see the same. */
  readonly host: ReadOptions['host']
  /** What mappings import from; it refuses whatever the host refuses. */
  readonly importer: NonNullable<ReadOptions['importer']>
}

/** Checks whole pipeline configurations: YAML, the `warpstream` block, every component and every mapping. */
export function createLinter({ registry, host, importer }: LinterOptions): PipelineLinter {
  const access = { seedBroker: 'localhost:9092', clientId: 'penstock' }
  let components: Registry | undefined
  return async yaml => {
    const lines = new LineCounter()
    const document = parseDocument(yaml, {
      lineCounter: lines,
      uniqueKeys: true,
      prettyErrors: false,
      logLevel: 'silent',
    })
    const { settings, findings, streamText } = settingsOf(yaml, document, lines)
    if (yaml.trim() === '') return { settings, findings: [empty] }
    // Reports every position where the text is not YAML, so that users can fix all of them together.
    if (document.errors.length > 0)
      return { settings, findings: document.errors.map(error => yamlFinding(error, lines)) }
    components ??= await managedComponents(registry, access)
    const found = await lintConfig(streamText, {
      registry: components,
      host,
      importer,
      deprecated: 'warning',
      everyMistake: true,
    })
    const all = [...findings, ...found.map(one => toFinding(one, yaml)), ...idleFindings(document.contents, lines)]
    return { settings, findings: all.toSorted((a, b) => a.line - b.line || a.column - b.column) }
  }
}

const empty: Finding = { line: 1, column: 1, level: 'error', message: 'the configuration is empty' }

function yamlFinding({ message, pos }: YAMLParseError, lines: LineCounter): Finding {
  const [from, to] = [lines.linePos(pos[0]), lines.linePos(pos[1])]
  return { line: from.line, column: from.col, end: { line: to.line, column: to.col }, level: 'error', message }
}

/** Blocks that configure a whole program, and what applies to managed pipelines instead. */
const idleBlocks: Readonly<Record<string, string>> = {
  http: 'all pipelines of an agent share its HTTP server',
  metrics: "the agent's own metrics include those of its pipelines",
  tracer: 'managed pipelines are not traced',
}

/** Blocks without effect produce a warning. */
function idleFindings(root: unknown, lines: LineCounter): Finding[] {
  if (!isMap(root)) return []
  return root.items.flatMap(({ key }): Finding[] => {
    if (!isScalar(key) || !Object.hasOwn(idleBlocks, String(key.value)) || key.range == null) return []
    const { line, col } = lines.linePos(key.range[0])
    const message = `${String(key.value)} has no effect in a managed pipeline: ${idleBlocks[String(key.value)]}`
    return [{ line, column: col, level: 'warning', message }]
  })
}

/** The original's message quotes what follows the error, which may begin with a line break. */
function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/[:\s]+$/, '')
}

/** Deprecated or ineffective settings may be saved; an unknown component could never run. */
function toFinding(found: Awaited<ReturnType<typeof lintConfig>>[number], yaml: string): Finding {
  const { text, hint, kind, inScalar } = found
  const place = inScalar && placeInScalar(yaml, inScalar, inScalar.offset)
  const { line, column } = place ?? { line: found.line, column: found.exactColumn ?? found.column }
  const level = kind === 'deprecated' || kind === 'ineffective' ? 'warning' : 'error'
  if (found.exactLine !== undefined) {
    // The text also contains a line as the original counts it; our position is more precise.
    const message = text.replace(/^yaml: line \d+: /, 'yaml: ')
    return { line: found.exactLine, column, level, message }
  }
  return { line, column, level, message: firstLine(text), ...(hint !== undefined && { hint }) }
}
