import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FUNCTIONS, METHODS } from '../../src/bloblang/stdlib/registry.gen.ts'

/** The raw material for random mappings: mappings, documents and texts written by people. */
export interface Corpus {
  readonly mappings: readonly string[]
  readonly documents: readonly string[]
  /** Quoted texts in the mappings: layouts, paths, patterns. */
  readonly texts: readonly string[]
}

/** Reads the project's recorded cases and the examples of its functions. */
export function readCorpus(): Corpus {
  const folder = join(import.meta.dirname, '../conformance/bloblang')
  const recorded = globSync('*.jsonl', { cwd: folder })
    .toSorted()
    .flatMap(file => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter(line => line !== '')
    .map((line): { readonly mapping: string; readonly input?: string } => JSON.parse(line))
  const examples = [...FUNCTIONS.values(), ...METHODS.values()].flatMap(({ examples }) => examples)
  const mappings = [...recorded.map(({ mapping }) => mapping), ...examples.map(([mapping]) => mapping)]
  const documents = [...recorded.flatMap(({ input }) => input ?? []), ...examples.map(([, input]) => input)]
  const texts = mappings.flatMap(mapping => mapping.match(/"(?:[^"\\\n]|\\.)*"/g) ?? [])
  return { mappings: unique(mappings), documents: unique(documents), texts: unique(texts) }
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
