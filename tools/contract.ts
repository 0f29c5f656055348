// A connector sees one batch at a time (ADR 0009): the engine's knowledge of runs and of messages' sources stays in the
// engine.
import { globSync, readFileSync } from 'node:fs'

/** The engine's words, and what to use instead. */
const words: readonly (readonly [RegExp, string])[] = [
  [
    /\b(solo|soloBatch|joinSolo)\b/,
    'make deliveries with deliverEach; a batch that a connector gets is always one batch',
  ],
  [
    /\b(withOrigin|mergedOrigin|firstOrigin|rootOf|asRoot|isRoot)\b|\bmessage\.origin\b/,
    'use Message.madeOf or Tracing',
  ],
  [/\bBatchError\b/, 'throw a PartialFailure, whose failures are keyed by messages'],
  [/\b(isRun|Segment|ProcessorChain|processDelivery)\b/, 'use delivery.batches, Chain.process or Chain.deliver'],
]

/** Findings `file:line: what is wrong`; none if only the engine uses words for runs and lineage. */
export function checkContract(): string[] {
  const files = globSync('src/**/*.ts').filter(file => !file.startsWith('src/engine/'))
  return files.toSorted().flatMap(file => findingsOf(file, readFileSync(file, 'utf8')))
}

/** Findings in one file outside the engine. */
export function findingsOf(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    words.flatMap(([pattern, instead]) => {
      const match = pattern.exec(line)
      return match === null ? [] : [`${file}:${index + 1}: '${match[0]}' belongs to the engine: ${instead}`]
    }),
  )
}
