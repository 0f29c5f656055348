import { fileErrorText, messageOf, fieldsOf } from '../../base/index.ts'
import { compileMapping, type Value } from '../../bloblang/index.ts'
import {
  type ComponentHost,
  ConfigError,
  defineProcessor,
  field,
  type Message,
  type Need,
  perMessage,
} from '../../engine/index.ts'
import { builtins } from './builtins.ts'
import { Execution, type TemplateFunction } from './execute.ts'
import { type Node, parseTemplate } from './parse.ts'
import { MISSING, sprigFunctions } from './sprig.ts'

/** Keywords of the language, which cannot be function names. */
const RESERVED = new Set([
  ...Object.keys(builtins),
  'call',
  'slice',
  '-',
  'pipeline',
  ...'if end else range break continue template block define with'.split(' '),
])

const subTemplate = {
  text: field.string('The template, or the path of its file if `from_file` is set.'),
  from_file: field.bool('Whether the template is in a file.').default(false),
}

export default defineProcessor({
  name: 'template',
  status: 'experimental',
  categories: ['Mapping'],
  summary: 'Renders each document as text with a Go text/template.',
  description: `The whole [language](https://pkg.go.dev/text/template) is supported except methods and \`call\`, with the functions of [Sprig](https://masterminds.github.io/sprig/), \`meta "key"\` for metadata, and custom functions. Not included are Sprig's functions for keys, certificates and semantic versions, and \`getHostByName\`; \`set\` and \`unset\` return a modified copy.

Numbers in a document are strings in Go: in \`if\` they are true, even zero. Unlike in the original, they can be compared with numbers. A template that takes more than five million steps, or whose result exceeds 64 million characters, fails. A message whose template fails is left unchanged and flagged as failed.`,
  config: field
    .object({
      text: field
        .string('The template, or the path of its file if `from_file` is set.')
        .default('')
        .examples('{{ .name }} - {{ meta "source" }}', '{{ range .items }}{{ .name }}: {{ .value }}{{ end }}'),
      from_file: field.bool('Whether the template is in a file.').default(false),
      functions: field.string('A mapping, whose document (`this`) is the argument of the function.').map().optional(),
      sub_templates: field.object(subTemplate, 'Templates that can be invoked by name.').map().optional(),
    })
    .needsWhen(['files', 'environment'], needsOf),
  examples: [
    {
      title: 'Rendering a list',
      config: `template:
  text: '{{ range $i, $item := .items }}{{ if $i }}, {{ end }}{{ $item.name | upper }}={{ $item.count }}{{ end }} {{ template "foot" . }}'
  sub_templates:
    foot: { text: '({{ len .items }})' }
`,
      input: ['{"items":[{"name":"a","count":1.5},{"name":"b","count":2}]}', '{"items":[]}'],
      output: ['A=1.5, B=2 (2)', ' (0)'],
    },
  ],
  async create({ text, from_file: isFile, functions: own = {}, sub_templates: parts = {} }, { host, ...resources }) {
    const sprig = sprigFunctions(host)
    let message: Message | undefined
    const functions = new Map<string, TemplateFunction>([
      ...Object.entries(builtins),
      ...Object.entries(sprig),
      ['meta', key => message?.metadata.get(String(key)) ?? null],
      ...Object.entries(own).map(([name, mapping]) => [name, ownFunction(name, mapping, sprig, host)] as const),
    ])
    const templates = new Map<string, readonly Node[]>()
    const add = async (name: string, source: string, fromFile: boolean, what: string) => {
      const content = fromFile ? await readTemplate(source, what, host) : source
      const where = fromFile ? `${what} from file path ${source}` : what
      try {
        parseTemplate(name, content, each => functions.has(each), templates)
      } catch (error) {
        const [, missing = ''] = /function "(\w+)" not defined/.exec(messageOf(error)) ?? []
        const hint = MISSING.has(missing) ? ': it is known but not supported by Penstock yet' : ''
        throw new ConfigError(`Failed to parse ${where}: ${messageOf(error)}${hint}`, { cause: error })
      }
    }
    await add('main', text, isFile, 'template')
    for (const [name, part] of Object.entries(parts)) await add(name, part.text, part.from_file, `sub template ${name}`)
    const execution = new Execution(templates, functions)
    return perMessage(each => {
      message = each
      try {
        return each.withText(execution.run('main', documentOf(each)))
      } catch (error) {
        return resources.fail(each, error)
      }
    })

    function documentOf(each: Message): Value {
      try {
        return each.structured()
      } catch (error) {
        throw new Error(`Failed to parse part into json: ${messageOf(error)}`, { cause: error })
      }
    }
  },
})

function ownFunction(
  name: string,
  source: string,
  sprig: Readonly<Record<string, unknown>>,
  host: ComponentHost,
): TemplateFunction {
  const { mapping, diagnostics } = compileMapping(source, { host })
  if (mapping === undefined) throw new ConfigError(diagnostics[0]!.message)
  if (RESERVED.has(name)) throw new ConfigError(`can not redefine a predefined function or named ${name}`)
  if (Object.hasOwn(sprig, name) || MISSING.has(name))
    throw new ConfigError(`can not redefine a sprig function named ${name}`)
  return (argument = null) => mapping.apply(argument)
}

async function readTemplate(path: string, what: string, { files }: ComponentHost): Promise<string> {
  try {
    return (await files.readFile(path)).toString('utf8')
  } catch (error) {
    const reason = fileErrorText('open', path, error as NodeJS.ErrnoException) // thrown by the host
    throw new ConfigError(`Failed to open ${what} from file path ${path}: ${reason}`, { cause: error })
  }
}

/** The capabilities for files with templates and for environment variables. */
function needsOf(value: unknown): readonly Need[] {
  const config = fieldsOf(value)
  const parts = Object.values(fieldsOf(config['sub_templates']))
  return [config, ...parts].flatMap((part, index): Need[] => {
    const { text = '', from_file: isFile } = fieldsOf(part)
    if (typeof text !== 'string' || text === '') return []
    const place = index === 0 ? { field: 'text' } : { field: 'sub_templates' }
    if (isFile === true) return [{ capability: 'files', target: text, ...place }]
    return /\{\{[^]*\b(?:expand)?env\b/.test(text) ? [{ capability: 'environment', ...place }] : []
  })
}
