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
      return `{${node.entries.map(({ key, value }) => `${scalar(key)}: ${inline(value)}`).join(', ')}}`
    case 'seq':
      return `[${node.items.map(inline).join(', ')}]`
    default:
      return scalar(node)
  }
}

/** A scalar, as a block if it has several lines. */
function text(node: Node, depth: number): string {
  if (!node.value.includes('\n') || node.tag !== '!!str' || /^\s/.test(node.value)) return scalar(node)
  const chomp = node.value.endsWith('\n\n') ? '+' : node.value.endsWith('\n') ? '' : '-'
  const lines = node.value.replace(/\n$/, '').split('\n')
  return `|${chomp}\n${lines.map(line => (line === '' ? '' : `${'  '.repeat(depth)}${line}`)).join('\n')}`
}

function scalar(node: Node): string {
  if (node.tag === '!!null') return 'null'
  if (node.tag !== '!!str') return node.value
  const { value, style } = node
  if (style === 'single' && !value.includes('\n')) return `'${value.replaceAll("'", "''")}'`
  if (style === 'double' && value !== '' && node.line > 0) return JSON.stringify(value)
  return isPlain(value)
    ? value
    : value === '' || /[\u0000-\u001f]/.test(value)
      ? JSON.stringify(value)
      : `'${value.replaceAll("'", "''")}'`
}

/** Whether a text needs no quotes to be read back unchanged. */
function isPlain(value: string): boolean {
  if (!/^[\w./$(][^#:\n\t]*(:[^\s#][^#:\n\t]*)*$/.test(value) || /\s$/.test(value)) return false
  if (/^(y|n|yes|no|on|off|true|false|null|~)$/i.test(value)) return false
  return !/^[-+]?[.\d][\d_.]*([eE][-+]?\d+)?$/.test(value) && !/^0[xob]/.test(value)
}
