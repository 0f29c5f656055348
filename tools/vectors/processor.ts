import { compileMapping, MappingError, MetadataDraft, type Host } from '../../src/bloblang/index.ts'
import { systemHost } from '../../src/host/index.ts'
import { printJson } from '../../src/bloblang/json/print.ts'
import type { Value } from '../../src/bloblang/value.ts'
import { messagesOf } from './message.ts'
import { mismatch } from './compare.ts'
import type { Vector } from './values.ts'

/** Runs a mapping that uses a cache. */
export function runProcessorCase(vector: Vector): string | null {
  const text = /mapping: \|\n([\s\S]*)$/.exec(String(vector['config']))![1]!
  const lines = text.split('\n')
  const indent = /^\s*/.exec(lines[0]!)![0].length
  const mappingText = lines.map(line => line.slice(indent)).join('\n')
  const { mapping, diagnostics } = compileMapping(mappingText, { host: hostWithCache() })
  if (mapping === undefined)
    return vector['error_any'] === true ? null : mismatch(vector, vector['outputs'], diagnostics[0]!.text)
  const batch = messagesOf(vector['batch'])
  const expected = (vector['outputs'] ?? []) as readonly Value[] // a vector's fields are values
  for (const index of batch.keys()) {
    try {
      const result = mapping.run(batch, index, new MetadataDraft())
      if (vector['error_any'] === true) return mismatch(vector, 'an error', String(result))
      const body =
        typeof result === 'string'
          ? result
          : result instanceof Uint8Array
            ? Buffer.from(result).toString()
            : printJson(result)
      if (body !== expected[index]) return mismatch(vector, expected[index], body)
    } catch (error) {
      if (!(error instanceof MappingError) || vector['error_any'] !== true)
        return mismatch(vector, expected[index], error)
    }
  }
  return null
}

function hostWithCache(): Host {
  const entries = new Map<string, Uint8Array>()
  const cache = {
    get: (key: string) => entries.get(key),
    set: (key: string, value: Uint8Array) => void entries.set(key, value),
    add: (key: string, value: Uint8Array) => !entries.has(key) && entries.set(key, value) === entries,
    delete: (key: string) => void entries.delete(key),
  }
  return { ...systemHost, cache: resource => (resource === 'local' ? cache : undefined) }
}
