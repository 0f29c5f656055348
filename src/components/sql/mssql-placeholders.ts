/** What the placeholders of a query are searched in: texts, quoted names and comments are skipped. */
const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[?$:](\d+)|\?/g

/** Replaces `?`, and `?1`, `$1` or `:1`, by the names of SQL Server, `@p1`, as Go's driver does. */
export function withNames(query: string): string {
  let place = 0
  return query.replaceAll(tokens, (token: string, number: string | undefined) => {
    if (number !== undefined) return `@p${Number(number)}`
    return token === '?' ? `@p${++place}` : token
  })
}
