/** File paths with the semantics of Go's path/filepath on Unix. */

/** Joins the non-empty parts and cleans the result; if all are empty, so is the path. */
export function joinPath(parts: readonly string[]): string {
  const first = parts.findIndex(part => part !== '')
  return first < 0 ? '' : cleanPath(parts.slice(first).join('/'))
}

/** The directory including its trailing slash, and the file name. */
export function splitPath(path: string): readonly [string, string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, slash + 1), path.slice(slash + 1)]
}

function cleanPath(path: string): string {
  const rooted = path.startsWith('/')
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop()
    else if (!rooted) kept.push('..')
  }
  return (rooted ? '/' : '') + kept.join('/') || '.'
}
