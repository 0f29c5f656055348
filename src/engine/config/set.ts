import { ConfigError } from '../component.ts'
import { type Entry, type Node, nodeOf, parseYaml, resolved, stringNode } from './node.ts'

/** Applies `path.to.field=value` to a configuration; the value is YAML. Throws `ConfigError`. */
export function applySet(root: Node, expression: string): void {
  const separator = expression.indexOf('=')
  if (separator === -1) throw new ConfigError(`invalid set expression '${expression}': expected foo=bar syntax`)
  const path = expression
    .slice(0, separator)
    .split('.')
    .map(segment => segment.replaceAll('~1', '.').replaceAll('~0', '~'))
  const value = parseYaml(expression.slice(separator + 1))
  let node = root
  for (const [depth, segment] of path.entries()) {
    const isLast = depth === path.length - 1
    const own = resolved(node)
    if (own.kind === 'seq') {
      const index = segment === '-' ? own.items.length : Number(segment)
      if (!Number.isInteger(index) || index > own.items.length || index < 0) {
        throw new ConfigError(`failed to set config field override: '${segment}' is no index`)
      }
      if (isLast) own.items[index] = value
      else node = own.items[index] ??= nodeOf({})
      continue
    }
    let entry: Entry | undefined = own.entries.find(each => each.key.value === segment)
    if (entry === undefined) {
      entry = { key: stringNode(segment), value: /^(\d+|-)$/.test(path[depth + 1] ?? '') ? nodeOf([]) : nodeOf({}) }
      own.entries.push(entry)
    }
    if (isLast) entry.value = value
    else if (resolved(entry.value).kind === 'scalar') entry.value = nodeOf({})
    node = entry.value
  }
}
