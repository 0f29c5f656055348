import { messageOf } from '../../base/index.ts'
import { printJson } from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, type Message, type Metadata, perMessage } from '../../engine/index.ts'
import { compileQuery, type Program } from './compile.ts'
import { type Json, jsonOf, valueOf } from './json.ts'
import { parseQuery } from './parse.ts'
import { timeFunctions } from './times.ts'

/** Enough for any reasonable query of a large document; an endless one ends after a few seconds. */
const MAX_STEPS = 20_000_000

export default defineProcessor({
  name: 'jq',
  categories: ['Mapping'],
  summary: 'Replaces each document with the results of a jq query.',
  description: `The language is that of [gojq](https://github.com/itchyny/gojq#difference-to-jq), with integers of any size. A single result becomes the message, several become an array, and a message without a result is dropped. Metadata is available as \`$metadata\`. A message whose query fails is left unchanged and flagged as failed; a query that takes more than ${MAX_STEPS.toLocaleString('en')} steps fails.

A query has no access to the environment or to files: \`env\` and \`$ENV\` are empty, and \`input\`, \`import\` and \`include\` are rejected.`,
  config: field.object({
    query: field.string('The query.').lint(findingOf),
    raw: field.bool('Whether the query receives the body as a string.').default(false).advanced(),
    output_raw: field.bool('Whether results are concatenated, with strings unquoted.').default(false).advanced(),
  }),
  examples: [
    {
      title: 'Filtering, sorting and joining',
      config: `jq:\n  query: '{Cities: .locations | map(select(.state == "WA").name) | sort | join(", ")}'\n`,
      input: [
        '{"locations":[{"name":"Seattle","state":"WA"},{"name":"New York","state":"NY"},{"name":"Olympia","state":"WA"}]}',
      ],
      output: ['{"Cities":"Olympia, Seattle"}'],
    },
    {
      title: 'Several results, and none',
      config: 'jq:\n  query: .items[]?\n',
      input: ['{"items":[1,"two"]}', '{"items":[3]}', '{}'],
      output: ['[1,"two"]', '3'],
    },
  ],
  create({ query, raw, output_raw: rawOutput }, resources) {
    if (query.trim() === '') throw new ConfigError('error compiling jq query: missing query (try ".")')
    const run = compiled(query, timeFunctions(resources.host))
    const metadataOf = metadataReader()
    return perMessage(message => {
      try {
        const input = raw ? message.text() : jsonOf(message.structured())
        const results = run(input, [metadataOf(message)])
        if (results.length === 0) return null
        if (rawOutput) return message.withText(results.map(rawText).join(''))
        return message.withDocument(valueOf(results.length === 1 ? results[0]! : results))
      } catch (error) {
        return resources.fail(message, error)
      }
    })
  },
})

function compiled(query: string, functions: ReturnType<typeof timeFunctions>): Program {
  try {
    parseQuery(query)
  } catch (error) {
    throw new ConfigError(`error parsing jq query: ${messageOf(error)}`, { cause: error })
  }
  try {
    return compileQuery(query, { variables: ['metadata'], functions, maxSteps: MAX_STEPS })
  } catch (error) {
    throw new ConfigError(`error compiling jq query: ${messageOf(error)}`, { cause: error })
  }
}

function findingOf(query: unknown): string | undefined {
  if (typeof query !== 'string' || query.includes('${')) return undefined
  try {
    parseQuery(query)
    return undefined
  } catch (error) {
    return `error parsing jq query: ${messageOf(error)}`
  }
}

/** Reads the metadata of messages; once for successive messages that share it, such as the lines of a file. */
function metadataReader(): (message: Message) => Json {
  let last: Metadata | undefined
  let json: Json = {}
  return ({ metadata }) => {
    if (metadata !== last) {
      json = Object.fromEntries([...metadata].map(([key, value]) => [key, jsonOf(value)]))
      last = metadata
    }
    return json
  }
}

function rawText(result: Json): string {
  return typeof result === 'string' ? result : printJson(valueOf(result), { escapeHtml: true })
}
