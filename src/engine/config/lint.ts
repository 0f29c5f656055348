import type { Diagnostic, Host } from '../../bloblang/index.ts'
import type { AnySpec, ComponentKind } from '../component.ts'
import type { FieldShape } from '../fields.ts'
import { type Need, needsOf, refusedNeeds } from '../needs.ts'
import type { Registry } from '../registry.ts'
import { didYouMean } from './did-you-mean.ts'
import { inferName, reservedFields } from './envelope.ts'
import { looseValue, needsValue } from './values.ts'
import { type Node, nodeOf, resolved, type ScalarStyle, valueOf } from './node.ts'

export type FindingKind =
  | 'custom'
  | 'failed_read'
  | 'missing_env'
  | 'not_granted'
  | 'unsupported'
  | 'bad_option'
  | 'bad_label'
  | 'missing_label'
  | 'duplicate_label'
  | 'bad_bloblang'
  /** An invalid argument in a mapping: `run` rejects it, although the original's lint does not check for it. */
  | 'bad_argument'
  | 'should_omit'
  | 'component_missing'
  | 'component_unknown'
  | 'unknown_field'
  | 'missing_field'
  | 'expected_array'
  | 'expected_object'
  | 'expected_scalar'
  | 'deprecated'
  /** The field has no effect here. */
  | 'ineffective'

/** A problem, or possible problem, of a configuration. Lines and columns count from 1. */
export interface Finding {
  readonly line: number
  /** The actual line if `line` differs: for a text that cannot be read at all the original reports the first line. */
  readonly exactLine?: number
  /** As the original prints it: 1 for everything but mappings. */
  readonly column: number
  /** The actual column, if known: for editors. */
  readonly exactColumn?: number
  /** The position within the text of a scalar, in UTF-16 units from 0, relative to the scalar's first character. */
  readonly inScalar?: {
    readonly line: number
    readonly column: number
    readonly style: ScalarStyle
    readonly offset: number
  }
  readonly text: string
  readonly level: 'error' | 'warning'
  readonly kind: FindingKind
  /** What to write instead, if that can be guessed. */
  readonly hint?: string
}

export interface LintContext {
  readonly registry: Registry
  /** Says what the stream is not granted; undefined if everything is granted. */
  readonly refusal: Host['refusal']
  /** Line of each label seen so far. */
  readonly labels: Map<string, number>
  /** Returns the errors of a mapping or an interpolated text. */
  readonly checkMapping: (text: string, constructs: 'inside' | 'none') => readonly Diagnostic[]
  readonly checkInterpolation: (text: string, constructs: 'inside' | 'none') => readonly Diagnostic[]
  readonly deprecated: 'error' | 'warning' | 'ignore'
  readonly requireLabels: boolean
  /** Reports every error of a mapping; the original reports only the first. */
  readonly everyMistake: boolean
}

type Shapes = Readonly<Record<string, FieldShape>>

/** Findings about an object of fields. */
export function lintFields(context: LintContext, shapes: Shapes, written: Node): Finding[] {
  if (written.kind === 'alias') return []
  const node = written
  if (node.kind !== 'map') return [finding(node, 'expected_object', `expected object value, got ${shortTag(node)}`)]
  const findings: Finding[] = []
  const missing = new Set(Object.keys(shapes))
  const walk = (object: Node) => {
    for (const { key, value } of object.entries) {
      if (key.tag === '!!merge' && value.kind === 'alias') {
        walk(resolved(value))
        continue
      }
      const shape = Object.hasOwn(shapes, key.value) ? shapes[key.value] : undefined
      if (shape === undefined) {
        if (value.kind !== 'alias') {
          const hint = didYouMean(key.value, Object.keys(shapes))
          findings.push(finding(key, 'unknown_field', `field ${key.value} not recognised`, hint))
        }
        continue
      }
      findings.push(...lintField(context, shape, value, key.value))
      missing.delete(key.value)
    }
  }
  walk(node)
  for (const name of missing) {
    const shape = shapes[name]!
    if (isRequired(shape)) findings.push(finding(node, 'missing_field', `field ${name} is required`))
    findings.push(...lintDefault(context, shape, node, name))
  }
  return findings
}

/** Findings about the value of one field. */
function lintField(context: LintContext, shape: FieldShape, node: Node, name: string): Finding[] {
  const findings: Finding[] = []
  if (shape.deprecated) findings.push(...deprecation(context, node, `field ${name} is deprecated`))
  if (shape.ineffective !== undefined) {
    const text = `field ${name} has no effect: ${shape.ineffective}`
    findings.push({ ...finding(node, 'ineffective', text), level: 'warning' })
  }
  findings.push(...lintCustom(context, shape, node))
  const inner = (structure: FieldShape['structure']) => ({ ...shape, structure })
  switch (shape.structure) {
    case '2darray':
    case 'array': {
      const list = resolved(node)
      if (node.kind !== 'seq') return [...findings, finding(node, 'expected_array', 'expected array value')]
      const element = inner(shape.structure === '2darray' ? 'array' : 'scalar')
      for (const item of list.items) findings.push(...lintField(context, element, item, name))
      return findings
    }
    case 'map':
      if (node.kind !== 'map') {
        return [...findings, finding(node, 'expected_object', `expected object value, got ${shortTag(node)}`)]
      }
      for (const entry of node.entries) findings.push(...lintField(context, inner('scalar'), entry.value, name))
      return findings
    case 'scalar':
      return [...findings, ...lintScalar(context, shape, node)]
  }
}

/** Findings about the needs that the default of an absent field has and the stream is not granted. */
function lintDefault(context: LintContext, shape: FieldShape, parent: Node, name: string): Finding[] {
  const hasChildren = shape.type === 'object' && shape.children !== undefined && shape.optional !== true
  const value = shape.default ?? (hasChildren && shape.structure === 'scalar' ? {} : undefined)
  if (context.refusal === undefined || value === undefined) return []
  return lintField(context, shape, nodeOf(value), name)
    .filter(({ kind }) => kind === 'not_granted')
    .map(({ text }) => finding(parent, 'not_granted', `${name} is not set, and by default ${text}`))
}

function lintNeeds(context: LintContext, needs: readonly Need[], place: (need: Need) => Node, who = ''): Finding[] {
  return refusedNeeds(context.refusal, needs).map(({ need, text }) =>
    finding(place(need), 'not_granted', `${who}${text}`),
  )
}

function lintFieldNeeds(context: LintContext, shape: FieldShape, node: Node): Finding[] {
  const value = shape.needs === undefined || context.refusal === undefined ? undefined : looseValue(shape, node)
  if (value === undefined) return []
  const place = ({ field }: Need) => (field === undefined ? undefined : valueOf(node, field)) ?? node
  return lintNeeds(context, shape.needs!.of(value.value), place)
}

function lintScalar(context: LintContext, shape: FieldShape, node: Node): Finding[] {
  return [...lintFieldNeeds(context, shape, node), ...lintValue(context, shape, node)]
}

function lintValue(context: LintContext, shape: FieldShape, node: Node): Finding[] {
  switch (shape.type) {
    case 'unknown':
      return []
    case 'string':
    case 'int':
    case 'float':
    case 'bool':
      if (node.kind !== 'map' && node.kind !== 'seq') return []
      return [finding(node, 'expected_scalar', `expected ${shape.type} value`)]
    case 'object':
      if (shape.children !== undefined && Object.keys(shape.children).length > 0) {
        return lintFields(context, shape.children, node)
      }
      if (node.kind === 'map' || node.kind === 'alias') return []
      return [finding(node, 'expected_object', `expected object value, got ${shortTag(node)}`)]
    default:
      return lintComponent(context, shape.type, node)
  }
}

/** Findings about a component: its envelope and its fields. */
export function lintComponent(context: LintContext, kind: ComponentKind, written: Node): Finding[] {
  const node = resolved(written)
  if (node.entries.length + node.items.length === 0) return []
  const inferred = inferName(context.registry, kind, node, false)
  if ('error' in inferred) {
    return [
      { ...finding(node, 'component_missing', 'unable to infer component type', inferred.hint), level: 'warning' },
    ]
  }
  const spec = context.registry.get(kind, inferred.name)
  if (spec === undefined) {
    const text = `failed to obtain docs for ${kind} type ${inferred.name}`
    return [{ ...finding(node, 'component_unknown', text), level: 'warning' }]
  }
  const findings: Finding[] = []
  if (spec.status === 'deprecated') {
    findings.push(...deprecation(context, node, `component ${spec.name} is deprecated`))
  }
  const body = node.entries.find(entry => entry.key.value === spec.name)
  if (!context.registry.isRunnable(spec)) {
    findings.push(finding(body?.key ?? node, 'unsupported', unsupportedText(kind, spec.name)))
  }
  findings.push(...lintNeeds(context, needsOf(spec), () => body?.key ?? node, `${kind} ${spec.name}: `))
  if (body !== undefined) findings.push(...lintField(context, spec.config.shape, body.value, spec.name))
  findings.push(...lintEnvelope(context, kind, node, spec, body !== undefined))
  return findings
}

/** The message for a component whose configuration is known but which this build cannot run. */
export function unsupportedText(kind: ComponentKind, name: string): string {
  return `${kind} '${name}' is known but not supported by Penstock yet`
}

function lintEnvelope(
  context: LintContext,
  kind: ComponentKind,
  node: Node,
  spec: AnySpec,
  hasBody: boolean,
): Finding[] {
  const findings: Finding[] = []
  const reserved = reservedFields(kind)
  for (const { key, value } of node.entries) {
    if (key.value === spec.name || key.value === 'type') continue
    if (key.value === 'plugin') {
      if (hasBody) findings.push(finding(key, 'should_omit', 'plugin object is ineffective'))
      else findings.push(...lintField(context, spec.config.shape, value, 'plugin'))
    }
    const shape = Object.hasOwn(reserved, key.value) ? reserved[key.value] : undefined
    if (shape === undefined) {
      const text = `field ${key.value} is invalid when the component type is ${spec.name} (${kind})`
      findings.push(finding(key, 'unknown_field', text))
      continue
    }
    if (key.value === 'label') findings.push(...lintLabel(context, node, value))
    if (key.value === 'processors' && value.kind !== 'alias' && value.items.length + value.entries.length === 0) {
      findings.push(finding(value, 'should_omit', 'field processors is empty and can be removed'))
    }
    findings.push(...lintField(context, shape, value, key.value))
  }
  const labelled = node.entries.some(entry => entry.key.value === 'label')
  if (context.requireLabels && 'label' in reserved && !labelled && spec.name !== 'resource') {
    findings.push(finding(node, 'missing_label', `label is required for ${spec.name}`))
  }
  return findings
}

/** Whether a label is valid: lower-case letters, digits and `_`, which must not come first. */
function isLabel(label: string): boolean {
  return /^[a-z0-9_]+$/.test(label) && !label.startsWith('_')
}

const LABEL_RULE = 'should match the regular expression /^[a-z0-9_]+$/ and must not start with an underscore'

function lintLabel(context: LintContext, parent: Node, node: Node): Finding[] {
  const findings: Finding[] = []
  if (valueOf(parent, 'type')?.value === 'resource' || (valueOf(parent, 'resource')?.value ?? '') !== '') {
    findings.push(finding(node, 'should_omit', 'label field should be omitted when pointing to a resource'))
  }
  const label = node.kind === 'scalar' && node.tag !== '!!null' ? node.value : ''
  if (label === '') return findings
  if (!isLabel(label)) return [...findings, finding(node, 'bad_label', `invalid label '${label}': ${LABEL_RULE}`)]
  const line = context.labels.get(label)
  if (line !== undefined) {
    const text = `label '${label}' collides with a previously defined label at line ${line}`
    return [...findings, finding(node, 'duplicate_label', text)]
  }
  context.labels.set(label, node.line)
  return findings
}

function lintCustom(context: LintContext, shape: FieldShape, node: Node): Finding[] {
  const strict = shape.options !== undefined && shape.strict !== false
  const hasRules = shape.lint !== undefined || shape.unsupported !== undefined
  if (!hasRules && !strict && !shape.interpolated && !shape.bloblang) return []
  const loose = looseValue(shape, node)
  if (loose === undefined) return []
  const value = loose.value
  const findings: Finding[] = []
  // The text of a literal block starts on the line after its indicator.
  const line = node.style === 'literal' ? node.line + 1 : node.line
  const exact = node.style === 'literal' ? {} : { exactColumn: node.column }
  const at = { line, column: 1, ...exact, level: 'error' as const }
  if (strict && typeof value !== 'object') {
    const text = String(value)
    if (!Object.keys(shape.options!).some(option => option.toLowerCase() === text.toLowerCase())) {
      const hint = didYouMean(text, Object.keys(shape.options!))
      findings.push({
        ...at,
        kind: 'bad_option',
        text: `value ${text} is not a valid option for this field`,
        ...hinted(hint),
      })
    }
  }
  const unsupported = shape.unsupported?.(value)
  if (unsupported !== undefined) findings.push({ ...at, kind: 'unsupported', text: unsupported })
  const custom = shape.lint?.(value)
  for (const text of typeof custom === 'string' ? [custom] : (custom ?? [])) {
    findings.push({ ...at, kind: 'custom', text })
  }
  if (typeof value === 'string' && value !== '') {
    const { kind, diagnostics } = checkBloblang(context, shape, value)
    for (const diagnostic of context.everyMistake ? diagnostics : diagnostics.slice(0, 1)) {
      findings.push({
        line: line + diagnostic.line - 1,
        column: node.column + diagnostic.column,
        inScalar: { line: node.line, column: node.column, style: node.style, offset: diagnostic.startOffset },
        level: 'error',
        kind,
        text: diagnosticText(value, diagnostic),
        ...hinted(diagnostic.suggestions[0]),
      })
    }
  }
  return findings
}

/** Errors of a mapping or an interpolated text; arguments are checked only if the text has no other errors. */
function checkBloblang(
  context: LintContext,
  shape: FieldShape,
  text: string,
): { readonly kind: FindingKind; readonly diagnostics: readonly Diagnostic[] } {
  const check = shape.interpolated ? context.checkInterpolation : shape.bloblang ? context.checkMapping : undefined
  const diagnostics = check?.(text, 'none') ?? []
  if (diagnostics.length > 0) return { kind: 'bad_bloblang', diagnostics }
  return { kind: 'bad_argument', diagnostics: check?.(text, 'inside') ?? [] }
}

/** The message followed by the first five characters at which the parser stopped. */
function diagnosticText(source: string, diagnostic: Diagnostic): string {
  const lines = source.split('\n')
  const rest = [...lines.slice(diagnostic.line - 1).join('\n')].slice(diagnostic.column - 1)
  const excerpt = rest.slice(0, 5).join('')
  if (/^(required: )?expected /.test(diagnostic.message)) {
    return excerpt === '' ? `${diagnostic.message}, but reached end of input` : `${diagnostic.message}, got: ${excerpt}`
  }
  return excerpt === '' ? diagnostic.message : `${diagnostic.message}: ${excerpt}`
}

function isRequired(shape: FieldShape): boolean {
  if (!needsValue(shape) || shape.default !== undefined || shape.structure !== 'scalar') return false
  if (Object.keys(shape.children ?? {}).length > 0) return false
  return ['string', 'int', 'float', 'bool', 'object', 'unknown'].includes(shape.type)
}

function deprecation(context: LintContext, node: Node, text: string): Finding[] {
  if (context.deprecated === 'ignore') return []
  return [{ ...finding(node, 'deprecated', text), level: context.deprecated }]
}

export function finding(node: Node, kind: FindingKind, text: string, hint?: string): Finding {
  return { line: node.line, column: 1, exactColumn: node.column, text, level: 'error', kind, ...hinted(hint) }
}

function hinted(hint: string | undefined): { hint?: string } {
  return hint === undefined ? {} : { hint }
}

function shortTag(node: Node): string {
  return node.kind === 'alias' ? resolved(node).tag : node.tag
}
