import { messageOf } from '../../base/index.ts'
import { Float, isObject, JsonNumber, Timestamp, Uint64, type Value, isArray } from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { compileQuery, type Query } from './evaluate.ts'
import { documentOf } from './functions.ts'
import type { Json } from './parse.ts'

export default defineProcessor({
  name: 'jmespath',
  categories: ['Mapping'],
  summary: 'Replaces each document with the result of a JMESPath query.',
  description:
    'All functions of the [JMESPath specification](https://jmespath.org/specification.html) are supported. Numbers are 64-bit floats: an integer beyond 2^53 loses its last digits. A message whose query fails is left unchanged and flagged as failed.',
  config: field.object({ query: field.string('The query.').lint(findingOf) }),
  examples: [
    {
      title: 'Filtering, sorting and joining',
      config: `jmespath:\n  query: "locations[?state == 'WA'].name | sort(@) | {Cities: join(', ', @)}"\n`,
      input: [
        '{"locations":[{"name":"Seattle","state":"WA"},{"name":"New York","state":"NY"},{"name":"Olympia","state":"WA"}]}',
      ],
      output: ['{"Cities":"Olympia, Seattle"}'],
    },
  ],
  create({ query }, resources) {
    const search = compiled(query)
    return perMessage(message => {
      try {
        return message.withDocument(documentOf(search(jsonOf(message.structured()))))
      } catch (error) {
        return resources.fail(message, error)
      }
    })
  },
})

function compiled(query: string): Query {
  try {
    return compileQuery(query)
  } catch (error) {
    throw new ConfigError(`failed to compile JMESPath query: ${messageOf(error)}`, { cause: error })
  }
}

function findingOf(query: unknown): string | undefined {
  try {
    if (typeof query === 'string' && !query.includes('${')) compiled(query)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Converts a Bloblang value to JSON, with all numbers as JavaScript numbers. */
function jsonOf(value: Value): Json {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'symbol') return null
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Float) return value.value
  if (value instanceof Uint64) return Number(value.value)
  if (value instanceof JsonNumber) return Number(value.text)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (value instanceof Timestamp) return new Date(Number(value.unixNanos / 1_000_000n)).toISOString()
  if (isArray(value)) return value.map(jsonOf)
  if (!isObject(value)) return null
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, jsonOf(child)]))
}
