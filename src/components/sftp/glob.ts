import { compileRe2, type Re2 } from '../../bloblang/index.ts'
import { ConfigError } from '../../engine/index.ts'
import { hasCode, type SftpSession } from './client.ts'

/** A path with shell patterns: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` to quote a character. */
export interface Glob {
  readonly text: string
  /** Literal names, and patterns for names. */
  readonly segments: readonly (string | Re2)[]
}

/** Parses a path. Throws {@link ConfigError} for an invalid pattern. */
export function parseGlob(text: string): Glob {
  const segments = text.split('/').filter(segment => segment !== '')
  return { text, segments: segments.map(each => (/[\\*?[]/.test(each) ? patternOf(each, text) : each)) }
}

/** The matching files on a server, without folders, ordered by path; a path without patterns matches itself. */
export async function filesMatching({ text, segments }: Glob, session: SftpSession): Promise<readonly string[]> {
  if (segments.every(segment => typeof segment === 'string')) return (await exists(session, text)) ? [text] : []
  let paths: readonly string[] = [text.startsWith('/') ? '/' : '']
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    const next: string[] = []
    for (const path of paths) {
      if (typeof segment !== 'string') next.push(...(await entriesMatching(session, path, segment, isLast)))
      else if (!isLast || (await exists(session, joined(path, segment)))) next.push(joined(path, segment))
    }
    paths = next
  }
  return paths
}

async function entriesMatching(
  session: SftpSession,
  folder: string,
  pattern: Re2,
  wantsFiles: boolean,
): Promise<readonly string[]> {
  const found: string[] = []
  const entries = (await unlessMissing(session.list(folder === '' ? '.' : folder))) ?? []
  for (const { filename, attrs } of entries) {
    if (filename === '.' || filename === '..' || !pattern.test(filename)) continue
    const path = joined(folder, filename)
    // A directory listing shows a link as such, rather than what it points to.
    const target = attrs.isSymbolicLink() ? await unlessMissing(session.stat(path)) : attrs
    if (target !== undefined && target.isDirectory() !== wantsFiles) found.push(path)
  }
  return found.toSorted()
}

function joined(folder: string, name: string): string {
  return folder === '' || folder === '/' ? `${folder}${name}` : `${folder}/${name}`
}

async function exists(session: SftpSession, path: string): Promise<boolean> {
  return (await unlessMissing(session.stat(path))) !== undefined
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (hasCode(error, 'no such file')) return undefined
    throw error
  }
}

/** Converts a segment to a regular expression. */
function patternOf(segment: string, path: string): Re2 {
  let pattern = ''
  for (let at = 0; at < segment.length; at++) {
    const character = segment[at]!
    if (character === '*') pattern += '.*'
    else if (character === '?') pattern += '.'
    else if (character === '\\' && at + 1 < segment.length) pattern += escaped(segment[++at]!)
    else if (character === '[') {
      const [, negation = '', content, rest] = /^\[(\^?)((?:\\.|[^\]\\])+)\](.*)$/s.exec(segment.slice(at)) ?? []
      if (content === undefined) throw new ConfigError(`sftp: the path '${path}' has a [ without its ]`)
      pattern += `[${negation}${content.replace(/[[&~]/g, String.raw`\$&`)}]`
      at = segment.length - rest!.length - 1
    } else pattern += escaped(character)
  }
  try {
    return compileRe2(`(?s)^${pattern}$`)
  } catch (error) {
    throw new ConfigError(`sftp: the path '${path}' has a pattern that is none: ${segment}`, { cause: error })
  }
}

function escaped(character: string): string {
  return /[\w/]/.test(character) || character.charCodeAt(0) > 127 ? character : `\\${character}`
}
