import { nearest } from '../../bloblang/index.ts'

/** `did you mean x?` for the nearest of the names, if any is near. */
export function didYouMean(word: string, names: readonly string[]): string | undefined {
  const [name] = nearest(word, names)
  return name === undefined ? undefined : `did you mean ${name}?`
}
