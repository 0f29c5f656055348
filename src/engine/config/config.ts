import { compileInterpolation, compileMapping, type Importer, type Host } from '../../bloblang/index.ts'
import { type ComponentKind, ConfigError } from '../component.ts'
import type { Registry } from '../registry.ts'
import { configFields, resourceFields, shapesOf, streamFields } from './core-fields.ts'
import { inferName } from './envelope.ts'
import { substituteEnv } from './env.ts'
import { type Finding, finding, lintComponent, type LintContext, lintFields } from './lint.ts'
import { type Node, nodeOf, parseYaml, resolved, valueOf, YamlError } from './node.ts'
import { applyOverride, parseOverride } from './set.ts'
import { checkFields, ValueError } from './values.ts'

export interface ReadOptions {
  readonly registry: Registry
  readonly host: Host
  readonly importer?: Importer
  /** How findings about deprecated features are reported, if at all. */
  readonly deprecated?: 'error' | 'warning' | 'ignore'
  readonly requireLabels?: boolean
  readonly everyMistake?: boolean
  /** Do not report missing environment variables. */
  readonly skipEnvCheck?: boolean
  /** `path.to.field=value` expressions that override the configuration. */
  readonly overrides?: readonly string[]
}

/** A configuration as read: its tree and its problems. */
export interface ReadConfig {
  readonly node: Node
  readonly findings: readonly Finding[]
  /** Whether the first finding is that the text cannot be read at all. */
  readonly broken: boolean
}

const DISABLED = '# BENTO LINT DISABLE'
const shapes = shapesOf(configFields)

/** Reads and checks a configuration. Never throws because of its content. */
export async function readConfig(text: string, options: ReadOptions, fieldShapes = shapes): Promise<ReadConfig> {
  const { text: substituted, missing } = substituteEnv(text, name => options.host.env(name))
  const findings: Finding[] = []
  const top = { line: 1, column: 1, level: 'error' as const }
  const refused = refusedVariables(text, missing, options.host)
  findings.push(...refused.values())
  const unset = missing.filter(name => !refused.has(name))
  if (unset.length > 0 && options.skipEnvCheck !== true) {
    const message = `required environment variables were not set: [${unset.join(' ')}]`
    findings.push({ ...top, kind: 'missing_env', text: message })
  }
  let node: Node
  try {
    node = parseYaml(substituted)
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    const { line, column } = error
    const hint = `noticed at line ${line}, column ${column}`
    const finding = {
      ...top,
      kind: 'failed_read',
      text: error.message,
      exactLine: line,
      exactColumn: column,
      hint,
    } as const
    return { node: nodeOf({}), findings: [finding], broken: true }
  }
  await options.registry.load(namesIn(node))
  try {
    for (const expression of options.overrides ?? []) {
      const override = parseOverride(expression)
      await options.registry.load(override.path)
      node = applyOverride(options.registry, fieldShapes, node, override)
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { node, findings: [{ ...top, kind: 'failed_read', text: error.message }], broken: true }
  }
  const failure = firstFailure(options.registry, node)
  if (failure !== undefined) return { node, findings: [failure], broken: true }
  const found = lintFields(lintContext(options), fieldShapes, node)
  findings.push(...(substituted.startsWith(DISABLED) ? found.filter(isAboutGrants(options.host)) : found))
  return { node, findings, broken: false }
}

/** Missing grants are reported even if the check is switched off, because the stream could not start. */
function isAboutGrants({ refusal }: Host): (found: Finding) => boolean {
  return ({ kind }) => refusal !== undefined && ['not_granted', 'bad_bloblang', 'bad_argument'].includes(kind)
}

/**
 * Variables that were not substituted because the host does not grant them, each at its first reference in the text.
 */
function refusedVariables(text: string, missing: readonly string[], { refusal }: Host): ReadonlyMap<string, Finding> {
  const findings = new Map<string, Finding>()
  for (const name of missing) {
    const refused = refusal?.('environment', name)
    if (refused === undefined || findings.has(name)) continue
    const before = text.slice(0, text.indexOf(`\${${name}}`)).split('\n')
    const [line, exactColumn] = [before.length, before.at(-1)!.length + 1]
    findings.set(name, { line, column: 1, exactColumn, level: 'error', kind: 'not_granted', text: refused })
  }
  return findings
}

/** All findings of a configuration, in text order. */
export async function lintConfig(text: string, options: ReadOptions): Promise<readonly Finding[]> {
  return (await readConfig(text, options)).findings
}

const tests = { tests: shapes['tests']! }
const streamShapes = { ...shapesOf(streamFields), ...tests }
const resourceShapes = shapesOf(resourceFields)
const serviceShapes = Object.fromEntries(Object.entries(shapes).filter(([name]) => !Object.hasOwn(streamFields, name)))

/** Reads and checks the file of one stream among several; it must not contain what the streams share. */
export function readStream(text: string, options: ReadOptions): Promise<ReadConfig> {
  return readConfig(text, options, streamShapes)
}

/** Reads and checks what several streams share: everything but the streams. */
export function readService(text: string, options: ReadOptions): Promise<ReadConfig> {
  return readConfig(text, options, serviceShapes)
}

/** The result of checking a part of a configuration that was submitted at run time. */
export interface CheckedPart {
  readonly findings: readonly Finding[]
  /** The reason why the part cannot be read at all; it is not among the findings. */
  readonly failure: Finding | undefined
}

/** Checks the parsed configuration of a stream. */
export async function checkStream(node: Node, options: ReadOptions): Promise<CheckedPart> {
  await options.registry.load(namesIn(node))
  const findings = lintFields(lintContext(options), shapesOf(streamFields), node)
  return { findings, failure: firstFailure(options.registry, node) }
}

/** Checks the parsed configuration of a component. */
export async function checkComponent(kind: ComponentKind, node: Node, options: ReadOptions): Promise<CheckedPart> {
  await options.registry.load(namesIn(node))
  const findings = lintComponent(lintContext(options), kind, node)
  return { findings, failure: componentFailure(options.registry, kind, node) }
}

/** Reads and checks a file that contains only resources. */
export function readResources(text: string, options: ReadOptions): Promise<ReadConfig> {
  return readConfig(text, options, { ...resourceShapes, ...tests })
}

export function lintContext(options: ReadOptions): LintContext {
  const compile = {
    host: options.host,
    ...(options.importer === undefined ? {} : { importer: options.importer }),
  }
  return {
    registry: options.registry,
    refusal: options.host.refusal,
    labels: new Map(),
    checkMapping: (source, constructs) => compileMapping(source, { ...compile, constructs }).diagnostics ?? [],
    checkInterpolation: (source, constructs) =>
      compileInterpolation(source, { ...compile, constructs }).diagnostics ?? [],
    deprecated: options.deprecated ?? 'warning',
    requireLabels: options.requireLabels ?? false,
    everyMistake: options.everyMistake ?? false,
  }
}

/** Every word of a configuration that may name a component. */
export function namesIn(root: Node): Set<string> {
  const names = new Set(['stdin', 'stdout', 'none', 'prometheus'])
  // `http` and `logger` are component names too, but never name one at the root of a configuration.
  for (const { key, value } of root.entries) {
    if (!Object.hasOwn(shapes, key.value)) names.add(key.value)
    addNames(value, names)
  }
  return names
}

function addNames(node: Node, names: Set<string>): void {
  for (const { key, value } of node.entries) {
    names.add(key.value)
    if (key.value === 'type' && value.kind === 'scalar') names.add(value.value)
    addNames(value, names)
  }
  for (const item of node.items) addNames(item, names)
}

/**
 * The first error that makes a configuration unusable: an unknown core component, or a value of a wrong type. The
 * original stops at the first of these and reports nothing else.
 */
function firstFailure(registry: Registry, root: Node): Finding | undefined {
  if (root.kind !== 'map') return undefined
  const component = (kind: ComponentKind, node: Node | undefined) =>
    node === undefined ? undefined : componentFailure(registry, kind, node)
  const list = (kind: ComponentKind, node: Node | undefined) => listFailure(registry, kind, node)
  const at = (name: string) => valueOf(root, name)
  const pipeline = at('pipeline')
  return (
    wrongType(root) ??
    component('input', at('input')) ??
    component('buffer', at('buffer')) ??
    (pipeline === undefined ? undefined : list('processor', valueOf(pipeline, 'processors'))) ??
    component('output', at('output')) ??
    list('input', at('input_resources')) ??
    list('processor', at('processor_resources')) ??
    list('output', at('output_resources')) ??
    list('cache', at('cache_resources')) ??
    list('rate_limit', at('rate_limit_resources')) ??
    component('metrics', at('metrics')) ??
    component('tracer', at('tracer'))
  )
}

function componentFailure(registry: Registry, kind: ComponentKind, node: Node): Finding | undefined {
  const inferred = inferName(registry, kind, node)
  if ('error' in inferred) return finding(resolved(node), 'component_unknown', inferred.error, inferred.hint)
  const own = kind === 'input' || kind === 'output' ? valueOf(resolved(node), 'processors') : undefined
  if (own === undefined) return undefined
  // If the processors are a map, the original takes its first key as a processor.
  const [first] = resolved(own).entries
  const inMap = first === undefined ? undefined : componentFailure(registry, 'processor', first.key)
  return listFailure(registry, 'processor', own) ?? inMap
}

function listFailure(registry: Registry, kind: ComponentKind, node: Node | undefined): Finding | undefined {
  for (const item of node === undefined ? [] : resolved(node).items) {
    const found = componentFailure(registry, kind, item)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first core field whose value has the wrong type. */
function wrongType(root: Node): Finding | undefined {
  try {
    checkFields(shapes, root)
    return undefined
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    return { line: 1, column: 1, exactLine: error.line, level: 'error', kind: 'failed_read', text: error.message }
  }
}
