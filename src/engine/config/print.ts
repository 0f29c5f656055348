import { type Node, resolved } from './node.ts'

/** Prints a tree as YAML in the layout of the original: two spaces per level, lists indented below their key. */
export function printYaml(node: Node): string {
  return `${block(node, 0).replace(/^\n/, '')}\n`
}

function block(written: Node, depth: number): string {
  const node = resolved(written)
  const indent = '  '.repeat(depth)
  if (node.kind === 'map' && node.entries.length > 0 && node.flow !== true) {
    return node.entries.map(({ key, value }) => `\n${indent}${scalar(key)}:${after(value, depth)}`).join('')
  }
  if (node.kind === 'seq' && node.items.length > 0 && node.flow !== true) {
    return node.items.map(item => `\n${indent}- ${inside(item, depth)}`).join('')
  }
  return inline(node)
}

/** The text after a key. */
function after(written: Node, depth: number): string {
  const node = resolved(written)
  const isBlock = (node.kind === 'map' && node.entries.length > 0) || (node.kind === 'seq' && node.items.length > 0)
  if (isBlock && node.flow !== true) return block(node, depth + 1)
  const value = ` ${node.kind === 'scalar' ? text(node, depth + 1) : inline(node)}`
  return node.remark === undefined ? value : value.replace(/$|\n/, end => ` # ${node.remark}${end}`)
}

/** An element of a list; its first line is on the line of the dash. */
function inside(written: Node, depth: number): string {
  const node = resolved(written)
  if (node.kind === 'scalar') return text(node, depth + 1)
  return block(node, depth + 1).replace(/^\n */, '')
}

function inline(written: Node): string {
  const node = resolved(written)
  switch (node.kind) {
    case 'map':
      return `{${node.entries.map(({ key, value }) => `${scalar(key, true)}: ${inline(value)}`).join(', ')}}`
    case 'seq':
      return `[${node.items.map(inline).join(', ')}]`
    default:
      return scalar(node, true)
  }
}

/** A scalar, as a block if it has several lines. */
function text(node: Node, depth: number): string {
  const isQuoted = node.style === 'double' && node.line > 0
  if (isQuoted || !node.value.includes('\n') || node.tag !== '!!str' || /^\s/.test(node.value)) return scalar(node)
  const chomp = node.value.endsWith('\n\n') ? '+' : node.value.endsWith('\n') ? '' : '-'
  const lines = node.value.replace(/\n$/, '').split('\n')
  return `|${chomp}\n${lines.map(line => (line === '' ? '' : `${'  '.repeat(depth)}${line}`)).join('\n')}`
}

/** Texts keep the quotes they were written with; others get what the original's library gives them. */
function scalar(node: Node, inFlow = false): string {
  if (node.tag === '!!null') return 'null'
  if (node.tag !== '!!str') return node.value
  const { value, style } = node
  const isWritten = node.line > 0
  if (style === 'single' && !value.includes('\n')) return singleQuoted(value)
  if (isWritten && style === 'double' && value !== '') return JSON.stringify(value)
  if (isWritten && style === 'plain' && isPlainText(value))
    return inFlow && /[,:?[\]{}]/.test(value) ? singleQuoted(value) : value
  if (value === '' || /[\u0000-\u001f]/.test(value) || isOtherType(value)) return JSON.stringify(value)
  return isPlainText(value) && !(inFlow && /[,:?[\]{}]/.test(value)) ? value : singleQuoted(value)
}

const singleQuoted = (value: string) => `'${value.replaceAll("'", "''")}'`

/** Whether a text without quotes would be read as something other than a string, by YAML 1.1 or 1.2. */
function isOtherType(value: string): boolean {
  if (/^(y|n|yes|no|on|off|true|false|null|~)$/i.test(value)) return true
  return /^[-+]?[.\d][\d_.]*([eE][-+]?\d+)?$/.test(value) || /^0[xob]/.test(value)
}

/** Whether a text can be written in a block without quotes, whatever type it is read as then. */
function isPlainText(value: string): boolean {
  return /^[\w./$(][^\n\t]*$/.test(value) && !/(^|\s)#|:(\s|$)|\s$/.test(value)
}
