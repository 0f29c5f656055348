import { nearest } from '../../bloblang/index.ts'

/** `did you mean x?` for the name closest to `word`; undefined if none is close. */
export function didYouMean(word: string, names: readonly string[]): string | undefined {
  const [name] = nearest(word, names)
  return name === undefined ? undefined : `did you mean ${name}?`
}
