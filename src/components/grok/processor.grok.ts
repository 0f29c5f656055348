import { fileErrorText, messageOf } from '../../base/index.ts'
import { utf8Text, type Value } from '../../bloblang/index.ts'
import { type ComponentHost, ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { defaultPatterns } from './default-patterns.ts'
import { type Expression, GrokCompiler, HintError, type Patterns } from './expression.ts'
import { documentOf } from './document.ts'

export default defineProcessor({
  name: 'grok',
  categories: ['Parsing'],
  summary: 'Parses text with grok expressions; the first that captures something replaces the message with a document.',
  description: `An expression is an [RE2](https://github.com/google/re2/wiki/Syntax) regular expression with references: \`%{NAME}\` stands for a pattern, \`%{NAME:field}\` captures what it matches, and \`%{NAME:field:int}\` (or \`float\`) converts it to a number. A dot in a field name creates a nested object. Expressions match in linear time.

The following patterns are available unless \`use_default_patterns\` is false: ${Object.keys(defaultPatterns)
    .map(name => `\`${name}\``)
    .join(', ')}.`,
  config: field.object({
    expressions: field.string('The expressions, tried in order.').list(),
    pattern_definitions: field
      .string('Patterns by name, which expressions and other patterns can refer to.')
      .map()
      .default({}),
    pattern_paths: field
      .string(
        'Files with patterns, one per line: a name, a blank, and the pattern. Paths may contain wildcards; a folder stands for the files in it.',
      )
      .needs('files')
      .list()
      .default([]),
    named_captures_only: field.bool('Whether only references with a field name capture.').default(true).advanced(),
    use_default_patterns: field.bool('Whether the default patterns are available.').default(true).advanced(),
    remove_empty_values: field.bool('Whether empty captures are dropped.').default(true).advanced(),
  }),
  examples: [
    {
      title: 'Flow logs',
      config: `grok:
  expressions: [ '%{FLOW}' ]
  pattern_definitions:
    FLOW: '%{NUMBER:version:int} %{NOTSPACE:interface} %{IP:address.source} %{NUMBER:bytes:int} %{NOTSPACE:action}'
`,
      input: ['2 eni-1235b8ca 172.31.16.139 4249 ACCEPT'],
      output: [
        '{"action":"ACCEPT","address":{"source":"172.31.16.139"},"bytes":4249,"interface":"eni-1235b8ca","version":2}',
      ],
    },
  ],
  async create(config, resources) {
    const patterns = {
      ...config.pattern_definitions,
      ...(await patternsOfFiles(config.pattern_paths, resources.host)),
      ...(config.use_default_patterns ? defaultPatterns : {}),
    }
    const expressions = compiled(config.expressions, patterns, {
      namedOnly: config.named_captures_only,
      removeEmpty: config.remove_empty_values,
    })
    return perMessage(message => {
      const text = utf8Text(message.bytes())
      for (const expression of expressions) {
        const captures = capturesOf(expression, text)
        if (captures !== undefined && captures.size > 0) return message.withDocument(documentOf(captures))
      }
      return resources.fail(message, 'no pattern matches found')
    })
  },
})

function compiled(
  expressions: readonly string[],
  patterns: Patterns,
  options: ConstructorParameters<typeof GrokCompiler>[1],
): readonly Expression[] {
  const compiler = new GrokCompiler(patterns, options)
  try {
    compiler.check()
  } catch (error) {
    throw new ConfigError(`failed to create grok compiler: ${messageOf(error)}`, { cause: error })
  }
  return expressions.map(expression => {
    try {
      return compiler.compile(expression)
    } catch (error) {
      const message = messageOf(error)
      throw new ConfigError(`failed to compile Grok pattern '${expression}': ${message}`, { cause: error })
    }
  })
}

function capturesOf(expression: Expression, text: string): ReadonlyMap<string, Value> | undefined {
  try {
    return expression(text)
  } catch (error) {
    if (error instanceof HintError) return undefined
    throw error
  }
}

async function patternsOfFiles(paths: readonly string[], { files }: ComponentHost): Promise<Patterns> {
  const patterns: Record<string, string> = {}
  for (const path of paths) {
    try {
      for (const file of await filesAt(path, files))
        Object.assign(patterns, patternsIn((await files.readFile(file)).toString()))
    } catch (error) {
      const reason = fileErrorText('stat', path, error)
      throw new ConfigError(`failed to parse patterns from path '${path}': ${reason}`, { cause: error })
    }
  }
  return patterns
}

async function filesAt(path: string, files: ComponentHost['files']): Promise<readonly string[]> {
  if (/[*?[]/.test(path)) return files.glob(path)
  return (await files.stat(path)).isDirectory() ? files.glob(`${path}/*`) : [path]
}

function patternsIn(text: string): Patterns {
  const lines = text.split(/\r?\n/).filter(line => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map(line => {
      const blank = line.indexOf(' ')
      if (blank === -1) throw new ConfigError(`the line '${line}' has a name and no pattern`)
      return [line.slice(0, blank), line.slice(blank + 1)]
    }),
  )
}
