import { isMap, isScalar, LineCounter, parseDocument, type YAMLParseError } from 'yaml'
import { lintConfig, type ReadOptions, type Registry } from '../../engine/index.ts'
import type { Finding } from '../api-types.ts'
import type { PipelineLinter } from '../pipelines.ts'
import { managedComponents } from './components.ts'
import { settingsOf } from './settings.ts'

export interface LinterOptions {
  readonly registry: Registry
  /** What mappings may see of the host; the agent's pipelines see the same. */
  readonly host: ReadOptions['host']
  /** Where mappings import from; what the host refuses it refuses as well. */
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
    // Every place where the text is not YAML, so that a person fixes them in one go.
    if (document.errors.length > 0)
      return { settings, findings: document.errors.map(error => yamlFinding(error, lines)) }
    components ??= await managedComponents(registry, access)
    const found = await lintConfig(streamText, { registry: components, host, importer, deprecated: 'warning' })
    const all = [...findings, ...found.map(one => toFinding(one, yaml)), ...idleFindings(document.contents, lines)]
    return { settings, findings: all.toSorted((a, b) => a.line - b.line || a.column - b.column) }
  }
}

const empty: Finding = { line: 1, column: 1, level: 'error', message: 'the configuration is empty' }

function yamlFinding({ message, pos }: YAMLParseError, lines: LineCounter): Finding {
  const [from, to] = [lines.linePos(pos[0]), lines.linePos(pos[1])]
  return { line: from.line, column: from.col, end: { line: to.line, column: to.col }, level: 'error', message }
}

/** Blocks that configure a whole program, and what stands in their place for a pipeline among others. */
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

/** Deprecated things may be saved; an unknown component could never run. */
function toFinding(found: Awaited<ReturnType<typeof lintConfig>>[number], yaml: string): Finding {
  const { line, text, hint, kind } = found
  const column = found.exactColumn ?? columnInFile(found, yaml) ?? found.column
  const level = kind === 'deprecated' ? 'warning' : 'error'
  if (found.exactLine !== undefined) {
    // The text names a line as well, as the original counts it; here the place says it better.
    const message = text.replace(/^yaml: line \d+: /, 'yaml: ')
    return { line: found.exactLine, column, level, message }
  }
  return { line, column, level, message: text, ...(hint !== undefined && { hint }) }
}

/** The column of a mistake in a block of text, whose lines are all indented like the first. */
function columnInFile({ line, columnInBlock }: { line: number; columnInBlock?: number }, yaml: string) {
  if (columnInBlock === undefined) return undefined
  const lines = yaml.split('\n')
  const written = lines[line - 1] ?? ''
  let first = line - 1
  while (first > 0 && !/[|>][-+0-9]*\s*(#.*)?$/.test(lines[first - 1] ?? '')) first--
  const indentation = /^ */.exec(lines.slice(first).find(one => one.trim() !== '') ?? written)?.[0].length ?? 0
  return indentation + columnInBlock
}
