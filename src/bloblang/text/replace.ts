import { checkSize } from './target.ts'

/** Replaces every occurrence; an empty `old` matches before each character and at the end. */
export function replaceAll(text: string, old: string, replacement: string): string {
  const parts = old === '' ? ['', ...Array.from(text), ''] : text.split(old)
  if (parts.length === 1) return text
  checkSize(text.length + (parts.length - 1) * (replacement.length - old.length), 'the result of the replacement')
  return parts.join(replacement)
}
