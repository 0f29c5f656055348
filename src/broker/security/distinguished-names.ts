import type { PeerCertificate } from 'node:tls'

/** Formats a certificate's subject as Java does, for which Kafka's ACLs and mapping rules are written. */
export function distinguishedName({ subject }: Pick<PeerCertificate, 'subject'>): string {
  const parts: string[] = []
  for (const [type, values] of Object.entries(subject)) {
    for (const value of [values].flat()) if (value !== undefined) parts.push(`${type}=${escaped(value)}`)
  }
  // A certificate lists its subject from the country down, while the text begins with the common name (RFC 2253).
  return parts.reverse().join(',')
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]/g, char => `\\${char}`).replace(/^[ #]| $/g, char => `\\${char}`)
}

/**
 * Compiles Kafka's ssl.principal.mapping.rules: `DEFAULT`, or `RULE:pattern/replacement/[LU]`, separated by commas. The
 * first rule that matches the whole name decides. Throws an Error with the rule that cannot be parsed.
 */
export function principalMapping(rules: string): (name: string) => string {
  const compiled = splitRules(rules).map(compileRule)
  return name => {
    for (const rule of compiled) {
      const mapped = rule(name)
      if (mapped !== undefined) return mapped
    }
    return name
  }
}

type Rule = (name: string) => string | undefined

const rulePattern = /\s*(DEFAULT|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,|$)/y

function splitRules(text: string): RegExpExecArray[] {
  const found: RegExpExecArray[] = []
  rulePattern.lastIndex = 0
  while (rulePattern.lastIndex < text.length) {
    const at = rulePattern.lastIndex
    const match = rulePattern.exec(text)
    if (match === null) {
      throw new Error(
        `invalid rule at "${text.slice(at)}": write DEFAULT or RULE:pattern/replacement/ with L or U after it`,
      )
    }
    found.push(match)
  }
  return found
}

function compileRule(match: RegExpExecArray): Rule {
  const [, whole, pattern, replacement, letters] = match
  if (whole === 'DEFAULT') return name => name
  // Safe to compile: the operator writes these rules, not a client, and a name is short.
  const regExp = new RegExp(`^(?:${pattern!})$`)
  return name => {
    const groups = regExp.exec(name)
    if (groups === null) return undefined
    const mapped = replacement!.replace(/\$(\d)/g, (_, group: string) => groups[Number(group)] ?? '')
    if (letters === 'L') return mapped.toLowerCase()
    return letters === 'U' ? mapped.toUpperCase() : mapped
  }
}
