import { messageOf } from '../../base/index.ts'
import { createRequire } from 'node:module'
import type { Catalog, Topic } from '../../metadata/index.ts'

interface Re2 {
  readonly RE2JS: { compile(pattern: string): { matches(text: string): boolean } }
}

/** What patterns match in one catalog: members of a group mostly have the same pattern. */
const matched = new WeakMap<Catalog, Map<string, readonly Topic[]>>()

/** What is wrong with a pattern in RE2's syntax, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compile(pattern)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** The topics whose whole name matches a valid pattern, in linear time. */
export function topicsMatching(pattern: string, catalog: Catalog): readonly Topic[] {
  let known = matched.get(catalog)
  if (known === undefined) matched.set(catalog, (known = new Map()))
  let topics = known.get(pattern)
  if (topics === undefined) {
    const compiled = compile(pattern)
    topics = [...catalog.byName.values()].filter(({ name }) => compiled.matches(name))
    known.set(pattern, topics)
  }
  return topics
}

function compile(pattern: string) {
  // Loaded at the first pattern: few groups have one.
  const { RE2JS } = createRequire(import.meta.url)('re2js') as Re2
  return RE2JS.compile(pattern)
}
