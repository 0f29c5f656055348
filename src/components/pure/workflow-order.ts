import { ConfigError } from '../../engine/index.ts'
import type { TargetPath } from '../../bloblang/index.ts'
import type { Branch } from './branching.ts'

/** Names of branches: those of one tier run concurrently, the tiers one after another. */
export type Tiers = readonly (readonly string[])[]

/** Derives the order from what branches read and write. Throws `ConfigError` if they depend on each other. */
export function dependencyTiers(branches: ReadonlyMap<string, Branch>): Tiers {
  const needs = new Map([...branches].map(([name, branch]) => [name, dependencies(name, branch, branches)]))
  const tiers: string[][] = []
  const done = new Set<string>()
  while (done.size < branches.size) {
    const tier = [...branches.keys()].filter(name => !done.has(name) && needs.get(name)!.every(each => done.has(each)))
    if (tier.length === 0) {
      const rest = [...branches.keys()].filter(name => !done.has(name)).toSorted()
      throw new ConfigError(
        `failed to automatically resolve DAG, circular dependencies detected for branches: [${rest.join(' ')}]`,
      )
    }
    for (const name of tier) done.add(name)
    tiers.push(tier.toSorted())
  }
  return tiers
}

/** Checks that an explicit order has every branch exactly once. Throws `ConfigError` if not. */
export function verifyTiers(tiers: Tiers, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const [index, tier] of tiers.entries()) {
    if (tier.length === 0) throw new ConfigError(`explicit order tier '${index}' was empty`)
    for (const name of tier) {
      if (seen.has(name)) throw new ConfigError(`branch specified in order listed multiple times: ${name}`)
      seen.add(name)
    }
  }
  const missing = names.filter(name => !seen.has(name))
  if (missing.length > 0) {
    throw new ConfigError(`the following branches were missing from order: [${missing.join(' ')}]`)
  }
}

export function describeTiers(tiers: Tiers): string {
  return `[${tiers.map(tier => `[${tier.join(' ')}]`).join(' ')}]`
}

/** The branches that write what this one reads, or a parent of it. */
function dependencies(name: string, { parts }: Branch, branches: ReadonlyMap<string, Branch>): readonly string[] {
  const wanted = (parts.request?.reads ?? []).map(key).filter(isKnown)
  return [...branches]
    .filter(([other]) => other !== name)
    .filter(([, branch]) => {
      const provided = (branch.parts.result?.targets ?? []).map(key).filter(isKnown)
      return provided.some(target => wanted.some(read => target.every((part, index) => read[index] === part)))
    })
    .map(([other]) => other)
}

function key({ kind, path }: TargetPath): readonly string[] | null {
  switch (kind) {
    case 'value':
    case 'root':
      return ['document', ...path]
    case 'metadata':
      return ['metadata', ...path]
    case 'variable':
      return null
  }
}

function isKnown(path: readonly string[] | null): path is readonly string[] {
  return path !== null
}
