import type { Catalog, Topic } from '../../metadata/index.ts'
import { compilePattern } from '../pattern.ts'

/** Matches of patterns per catalog, cached because members of a group usually have the same pattern. */
const matched = new WeakMap<Catalog, Map<string, readonly Topic[]>>()

/** The topics whose whole name matches a valid pattern, in linear time. */
export function topicsMatching(pattern: string, catalog: Catalog): readonly Topic[] {
  let known = matched.get(catalog)
  if (known === undefined) matched.set(catalog, (known = new Map()))
  let topics = known.get(pattern)
  if (topics === undefined) {
    const compiled = compilePattern(pattern)
    topics = [...catalog.byName.values()].filter(({ name }) => compiled.matches(name))
    known.set(pattern, topics)
  }
  return topics
}
