// Parses the query string of a URL. Invalid parameters are ignored.

type Search = Readonly<Record<string, unknown>>

/** A list's filter and order: kept in the URL, so that it can be linked to and survives a visit to another page. */
export interface ListSearch {
  /** Text that the names contain. */
  readonly q?: string
  /** One of the list's states. */
  readonly state?: string
  /** A column's id, prefixed with `-` for descending order. */
  readonly sort?: string
  /** The form for a new item is open. */
  readonly create?: true
}

export function readListSearch(search: Search): ListSearch {
  return {
    ...text(search, 'q'),
    ...text(search, 'state'),
    ...text(search, 'sort'),
    ...(search['create'] === true ? { create: true } : {}),
  }
}

/** The virtual cluster that every page shows; absent for the session's default. */
export function readCluster(search: Search): { readonly cluster?: string } {
  return text(search, 'cluster')
}

/** The value of `key` if it is one of `values`. */
export function oneOf<Key extends string, Value extends string>(
  search: Search,
  key: Key,
  values: readonly Value[],
): { [K in Key]?: Value } {
  const value = values.find(candidate => candidate === search[key])
  return only(key, value)
}

export function wholeNumber<Key extends string>(search: Search, key: Key): { [K in Key]?: number } {
  const value = search[key]
  const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  return only(key, fits ? value : undefined)
}

function text<Key extends string>(search: Search, key: Key): { [K in Key]?: string } {
  const value = search[key]
  // The router parses whatever looks like JSON: a filter for `12` arrives as a number.
  const shown = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  return only(key, typeof shown === 'string' && shown !== '' ? shown : undefined)
}

function only<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  // An object with one computed key has a wider type than its key.
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}
