import { isMap, isPair, isScalar, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { parseDuration } from '../../engine/index.ts'
import type { Finding } from '../api-types.ts'
import type { Concurrency } from '../reconciler.ts'

/** The settings of the `warpstream` block of a pipeline's configuration. */
export interface PipelineSettings {
  readonly concurrency: Concurrency
  /** Only agents of this group run the pipeline; empty means agents without a group. */
  readonly pipelineGroup: string
  /** How long after the start of a completed run the next one starts, in milliseconds; null means never. */
  readonly runEveryMs: number | null
  /** Whether offsets read and records written in the pipeline's own cluster are committed together. */
  readonly exactlyOnce: boolean
}

export interface ReadSettings {
  readonly settings: PipelineSettings
  readonly findings: readonly Finding[]
  /**
   * The text without the block, for the stream engine. Every other character keeps its line and column.
   */
  readonly streamText: string
}

type ParsedDocument = ReturnType<typeof parseDocument>

/** The settings of a configuration without a block. */
export const defaultSettings: PipelineSettings = {
  concurrency: { scope: 'agent', count: 1 },
  pipelineGroup: '',
  runEveryMs: null,
  exactlyOnce: false,
}
const blockName = 'warpstream'
const maxConcurrency = 1024

/** Reads the block. Text that is not YAML has no findings here: the stream engine reports its errors. */
export function readSettings(text: string): ReadSettings {
  const lines = new LineCounter()
  return settingsOf(text, parseDocument(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' }), lines)
}

/** Reads the block of a text that is already parsed. */
export function settingsOf(text: string, document: ParsedDocument, lines: LineCounter): ReadSettings {
  const root = document.contents
  if (document.errors.length > 0 || !isMap(root)) return { settings: defaultSettings, findings: [], streamText: text }
  // The parser creates pairs of nodes.
  const pair = root.items.find(({ key }) => isScalar(key) && key.value === blockName) as Pair<Node, Node> | undefined
  if (pair === undefined) return { settings: defaultSettings, findings: [], streamText: text }
  const reader = new SettingsReader(lines)
  const settings = reader.read(pair)
  return { settings, findings: reader.findings, streamText: blank(text, root, pair) }
}

const scopes = {
  cluster_concurrency_target: 'cluster',
  agent_concurrency_target: 'agent',
  exact_concurrency: 'exact',
} as const

class SettingsReader {
  readonly findings: Finding[] = []
  readonly #lines: LineCounter

  constructor(lines: LineCounter) {
    this.#lines = lines
  }

  read(block: Pair<Node, Node>): PipelineSettings {
    const settings = { ...defaultSettings }
    const seen: Node[] = []
    for (const { key, name, value } of this.#fields(block)) {
      switch (name) {
        case 'cluster_concurrency_target':
        case 'agent_concurrency_target':
        case 'exact_concurrency':
          settings.concurrency = { scope: scopes[name], count: this.#count(name, value ?? key) }
          seen.push(key)
          break
        case 'pipeline_group':
          settings.pipelineGroup = this.#text(name, value ?? key)
          break
        case 'exactly_once':
          settings.exactlyOnce = this.#flag(name, value ?? key)
          break
        case 'scheduling':
          settings.runEveryMs = this.#scheduling({ key, value } as Pair<Node, Node>) // both from one pair
          break
        default:
          this.#unknown(key, name, [...Object.keys(scopes), 'pipeline_group', 'exactly_once', 'scheduling'])
      }
    }
    if (seen.length > 1)
      this.#find(seen[1]!, `${Object.keys(scopes).join(', ')} exclude each other`, 'keep one of them')
    return settings
  }

  #scheduling(block: Pair<Node, Node>): number | null {
    let runEveryMs: number | null = null
    for (const { key, name, value } of this.#fields(block)) {
      if (name !== 'run_every') {
        this.#unknown(key, name, ['run_every'])
        continue
      }
      const text = this.#text(name, value ?? key)
      runEveryMs = readPositiveDuration(text)
      if (runEveryMs === null)
        this.#find(
          value ?? key,
          `run_every is not a duration: ${JSON.stringify(text)}`,
          'write it like 30s, 5m or 1h30m',
        )
    }
    return runEveryMs
  }

  #fields(block: Pair<Node, Node>): { readonly key: Node; readonly name: string; readonly value: Node | null }[] {
    const value: Node | null = block.value
    if (value === null || (isScalar(value) && value.value === null)) return []
    if (!isMap(value)) {
      this.#find(value, `expected object value, got ${isScalar(value) ? typeof value.value : 'array'}`)
      return []
    }
    return value.items.filter(isPair).map(pair => {
      const key = pair.key as Node // keys of a parsed document are nodes
      // So are its values, if present.
      return { key, name: isScalar(key) ? String(key.value) : '', value: pair.value as Node | null }
    })
  }

  #count(name: string, node: Node): number {
    const value = isScalar(node) ? node.value : undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxConcurrency) return value
    this.#find(node, `${name} has to be a whole number from 1 to ${maxConcurrency}`)
    return 1
  }

  #flag(name: string, node: Node): boolean {
    const value = isScalar(node) ? node.value : undefined
    if (typeof value === 'boolean') return value
    this.#find(node, `${name} has to be true or false`)
    return false
  }

  #text(name: string, node: Node): string {
    const value = isScalar(node) ? node.value : undefined
    if (typeof value === 'string') return value
    if (typeof value === 'number' && isScalar(node)) return node.source ?? String(value)
    this.#find(node, `${name} has to be text`)
    return ''
  }

  #unknown(key: Node, name: string, known: readonly string[]): void {
    this.#find(key, `field ${name} not recognised`, `${known.length > 1 ? 'one of ' : ''}${known.join(', ')}`)
  }

  #find(node: Node, message: string, hint?: string): void {
    const [start, end] = [node.range?.[0] ?? 0, node.range?.[1] ?? 0]
    const [from, to] = [this.#lines.linePos(start), this.#lines.linePos(end)]
    const place = { line: from.line, column: from.col, end: { line: to.line, column: to.col } }
    this.findings.push({ ...place, level: 'error', message, ...(hint !== undefined && { hint }) })
  }
}

function readPositiveDuration(text: string): number | null {
  try {
    const duration = parseDuration(text)
    return duration > 0 ? duration : null
  } catch {
    return null // not a duration at all
  }
}

/** Replaces a pair of the root by spaces, including its comma if the root is in flow style. */
function blank(text: string, root: YAMLMap, pair: Pair<Node, Node>): string {
  let start = pair.key.range![0]
  let end = pair.value?.range?.[1] ?? pair.key.range![1]
  if (!root.flow) {
    // A value on its own lines ends after its last line break; one on the key's line may be followed by a comment,
    // and an empty one leaves the colon.
    while (end < text.length && text[end - 1] !== '\n' && text[end] !== '\n') end++
  } else {
    const comma = /^\s*,/.exec(text.slice(end))
    if (comma !== null) end += comma[0].length
    else start = Math.max(text.lastIndexOf(',', start), root.range![0] + 1)
  }
  return text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ') + text.slice(end)
}
