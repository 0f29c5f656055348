import { StorageError } from './errors.ts'

/**
 * The query of a bucket URL. Names are compared ignoring case and underscores, since existing URLs spell them in
 * several ways (`s3ForcePathStyle`, `use_path_style`).
 */
export class UrlParameters {
  readonly #url: string
  readonly #values = new Map<string, { readonly name: string; readonly value: string }>()
  readonly #known: string[] = []

  constructor(url: URL) {
    this.#url = `${url.protocol}//${url.host}${url.pathname}`
    for (const [name, value] of url.searchParams) this.#values.set(normalised(name), { name, value })
  }

  /** The value under the first of these names that is present. */
  text(...names: readonly string[]): string | undefined {
    let found: string | undefined
    for (const name of names) {
      this.#known.push(name)
      const entry = this.#values.get(normalised(name))
      this.#values.delete(normalised(name))
      found ??= entry?.value
    }
    return found
  }

  boolean(...names: readonly string[]): boolean | undefined {
    const text = this.text(...names)?.toLowerCase()
    if (text === undefined) return undefined
    if (['true', '1', ''].includes(text)) return true
    if (['false', '0'].includes(text)) return false
    throw new StorageError('invalid_url', `${names[0]} of ${this.#url} is ${text}: use true or false`)
  }

  /** Parses a positive whole number. */
  number(...names: readonly string[]): number | undefined {
    const text = this.text(...names)
    if (text === undefined) return undefined
    if (!/^[1-9]\d{0,15}$/.test(text)) {
      throw new StorageError('invalid_url', `${names[0]} of ${this.#url} is ${text}: use a positive whole number`)
    }
    return Number(text)
  }

  /** Throws `invalid_url` if a parameter is left that was never read. */
  finish(): void {
    const [unknown] = this.#values.values()
    if (unknown === undefined) return
    throw new StorageError(
      'invalid_url',
      `${this.#url} has the unknown parameter ${unknown.name}: known are ${this.#known.join(', ')}`,
    )
  }
}

function normalised(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

/** The key prefix that a bucket URL's path or `prefix` parameter specifies: empty, or ending in `/`. */
export function prefixOf(url: URL, parameter: string | undefined): string {
  const path = parameter ?? decodeURIComponent(url.pathname)
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  return trimmed === '' ? '' : `${trimmed}/`
}
