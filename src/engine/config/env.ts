const REFERENCE = /\$\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?\}/g
const ESCAPED = /\$\{(\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?\})\}/g

/** A configuration's text with its environment variables in place, and those that were asked for in vain. */
export interface Substituted {
  readonly text: string
  /** Variables without default that are not set; an empty text stands in their place. */
  readonly missing: readonly string[]
}

/**
 * Puts environment variables in place of `${NAME}` and `${NAME:default}` anywhere in a configuration, before it is parsed;
 * `${{NAME}}` becomes a literal `${NAME}`. Line breaks in values become `\n`, as nothing else could work inside YAML.
 */
export function substituteEnv(text: string, lookup: (name: string) => string | undefined): Substituted {
  const missing: string[] = []
  const replaced = text.replace(REFERENCE, reference => {
    const colon = reference.indexOf(':')
    if (colon === -1) {
      const name = reference.slice(2, -1)
      const value = lookup(name)
      if (value === undefined) missing.push(name)
      return (value ?? '').replaceAll('\n', '\\n')
    }
    const value = lookup(reference.slice(2, colon)) || reference.slice(colon + 1, -1)
    return value.replaceAll('\n', '\\n')
  })
  return { text: replaced.replace(ESCAPED, (_, inner: string) => `$${inner}`), missing }
}

/** `NAME=value` lines of a dotenv file. Throws an `Error` for a line that is neither that, a comment, nor blank. */
export function parseDotEnv(text: string): Map<string, string> {
  const variables = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/.exec(trimmed)
    if (match === null) throw new Error(`line ${index + 1}: expected NAME=value`)
    variables.set(match[1]!, dotEnvValue(match[2]!))
  }
  return variables
}

function dotEnvValue(raw: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(raw)
  if (quoted !== null) {
    return quoted[1]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char === 't' ? '\t' : char))
  }
  const single = /^'([^']*)'\s*(?:#.*)?$/.exec(raw)
  if (single !== null) return single[1]!
  return raw.replace(/\s+#.*$/, '')
}
