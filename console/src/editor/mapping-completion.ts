import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import type { EditorView } from '@codemirror/view'
import {
  FUNCTION_COMPLETIONS,
  METHOD_COMPLETIONS,
  type SignatureEntry,
  tokenize,
} from '../../../src/bloblang/syntax.ts'
import { mappingTexts } from './mapping-texts.ts'

const words: readonly Completion[] = [
  'root',
  'this',
  'if',
  'else',
  'match',
  'let',
  'meta',
  'map',
  'import',
  'true',
  'false',
  'null',
].map(word => ({ label: word, type: 'keyword' }))

const functions = FUNCTION_COMPLETIONS.map(entry => callable(entry))
const methods = METHOD_COMPLETIONS.map(entry => callable(entry))

/** Proposes functions at the start of an expression and methods after a dot, inside mappings and interpolations. */
export function completeMapping(context: CompletionContext): CompletionResult | null {
  const { state, pos } = context
  const around = mappingTexts(state, Math.max(0, pos - 1), pos).find(({ from, to }) => from <= pos && pos <= to)
  if (around === undefined) return null
  const before = state.sliceDoc(around.from, pos)
  const inside = tokenize(before).at(-1)
  if (inside !== undefined && isText(inside.kind, before.slice(inside.start), inside.end === before.length)) return null

  const [, lead = '', word = ''] = /([.$@]?)([A-Za-z_][A-Za-z0-9_]*)?$/.exec(before) ?? []
  if (lead === '$' || lead === '@') return null
  if (word === '' && lead === '' && !context.explicit) return null
  return {
    from: pos - word.length,
    options: lead === '.' ? methods : [...functions, ...words],
    validFor: /^[A-Za-z0-9_]*$/,
  }
}

/** Whether the cursor after this last token is inside a comment or an unterminated string. */
function isText(kind: string, text: string, touches: boolean): boolean {
  if (!touches) return false
  return kind === 'comment' || (kind === 'string' && !/^"(?:[^"\\]|\\.)*"$/.test(text))
}

function callable(entry: SignatureEntry): Completion {
  const parameters = entry.params.map(param => `${param.name}${isOptional(param) ? '?' : ''}`).join(', ')
  return {
    label: entry.name,
    type: 'function',
    detail: `(${parameters})`,
    boost: entry.status === 'deprecated' ? -50 : 0,
    info: () => documentation(entry),
    apply: (view, _, from, to) => insertCall(view, entry, from, to),
  }
}

function isOptional(param: SignatureEntry['params'][number]): boolean {
  return param.optional === true || param.default !== undefined
}

/** Inserts the call, with the cursor between the parentheses if arguments are expected. */
function insertCall(view: EditorView, entry: SignatureEntry, from: number, to: number): void {
  const isCalled = view.state.sliceDoc(to, to + 1) === '('
  const insert = isCalled ? entry.name : `${entry.name}()`
  const takesArguments = entry.params.some(param => !isOptional(param)) || entry.variadic === true
  const anchor = from + insert.length - (takesArguments && !isCalled ? 1 : 0)
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor },
    userEvent: 'input.complete',
    scrollIntoView: true,
  })
}

function documentation(entry: SignatureEntry): HTMLElement {
  const sheet = document.createElement('div')
  sheet.className = 'flex max-w-96 flex-col gap-1 font-sans text-xs leading-4.5'
  const add = (text: string, look: string) => {
    const line = document.createElement('p')
    line.className = look
    line.textContent = text
    sheet.append(line)
  }
  add(`${entry.name}(${entry.params.map(param => param.name).join(', ')})`, 'font-mono font-medium text-ink')
  add(entry.description, 'text-muted')
  for (const param of entry.params) add(`${param.name}: ${param.type}. ${param.description}`, 'text-faint')
  if (entry.status === 'deprecated') add('Deprecated', 'text-warn')
  return sheet
}
