import { syntaxTree } from '@codemirror/language'
import type { EditorState } from '@codemirror/state'

/** A section of a configuration that is written in Bloblang. */
export interface MappingText {
  readonly from: number
  readonly to: number
}

/** Fields whose text is a mapping or a query, in any component. */
const mappingFields = new Set([
  'mapping',
  'mutation',
  'bloblang',
  'check',
  'request_map',
  'result_map',
  'args_mapping',
  'json_payload_mapping',
  'until',
])

const interpolation = /\$\{!([^}]*)\}?/g

/** The mappings and interpolations between two offsets, in order; to YAML they are just long strings. */
export function mappingTexts(state: EditorState, from: number, to: number): readonly MappingText[] {
  const found: MappingText[] = []
  syntaxTree(state).iterate({
    from,
    to,
    enter: node => {
      if (node.name !== 'Pair') return
      const key = node.node.getChild('Key')
      const value = node.node.lastChild
      if (key === null || value === null) return
      if (!['BlockLiteral', 'QuotedLiteral', 'Literal'].includes(value.name)) return
      const content = contentOf(state, value)
      if (mappingFields.has(state.sliceDoc(key.from, key.to))) found.push(content)
      else found.push(...interpolationsIn(state, content))
    },
  })
  return found.toSorted((left, right) => left.from - right.from)
}

interface TextNode {
  readonly name: string
  readonly from: number
  readonly to: number
  getChild(name: string): { readonly from: number; readonly to: number } | null
}

/** The content of a block starts after its `|` and the line break, that of a quoted text after its quote. */
function contentOf(state: EditorState, value: TextNode): MappingText {
  if (value.name === 'QuotedLiteral') return { from: value.from + 1, to: Math.max(value.from + 1, value.to - 1) }
  if (value.name === 'Literal') return { from: value.from, to: value.to }
  const content = value.getChild('BlockLiteralContent')
  return content === null
    ? { from: value.to, to: value.to }
    : { from: content.from, to: Math.min(content.to, state.doc.length) }
}

function interpolationsIn(state: EditorState, { from, to }: MappingText): readonly MappingText[] {
  return [...state.sliceDoc(from, to).matchAll(interpolation)].map(match => {
    const start = from + match.index + 3
    return { from: start, to: start + (match[1]?.length ?? 0) }
  })
}
