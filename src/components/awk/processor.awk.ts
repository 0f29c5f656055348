import { messageOf } from '../../base/index.ts'
import {
  type Re2,
  type Value,
  isObject,
  JsonNumber,
  textOfMetadata,
  toText as plainText,
  utf8Text,
  isArray,
} from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, type Message, perMessage } from '../../engine/index.ts'
import { compileProgram, type Run } from './compile.ts'
import { Machine } from './machine.ts'
import { nativeNames, nativesFor, type Subject } from './natives.ts'
import { parseProgram } from './parse.ts'
import { AwkError, Input } from './values.ts'

export default defineProcessor({
  name: 'awk',
  categories: ['Mapping'],
  summary: 'Runs an AWK program on each message and replaces the body with its output.',
  description: `If the program prints nothing, the body is kept, with the changes made by its functions. Output to \`/dev/stderr\`, a non-zero exit status and errors flag the message as failed.

The language is that of POSIX. Patterns use [RE2](https://github.com/google/re2/wiki/Syntax) syntax and match in linear time. Programs cannot start other programs (\`system\`, pipes) nor read or write files. An endless program fails after 20 million steps or a million array elements.

With the codec \`none\` the program sees one empty record, with \`text\` one that contains the body. With \`json\` it sees one empty record and a variable for each value of the document, named by its path with \`_\` between the parts. With all codecs but \`none\`, metadata is available as variables as well.

The following functions are available in addition to those of the language:

| function | what it does |
|---|---|
| \`json_get(path)\` | the value at a dot-separated path; values other than strings as JSON, a missing one as \`null\` |
| \`json_set(path, text)\`, \`json_set_int\`, \`json_set_float\`, \`json_set_bool\` | sets the value at a path |
| \`json_append(path, text)\`, \`json_append_int\`, \`json_append_float\`, \`json_append_bool\` | appends to the array at a path |
| \`json_delete(path)\` | deletes the value at a path |
| \`json_length(path)\` | the length of a string or array, otherwise 0 |
| \`json_type(path)\` | \`string\`, \`int\`, \`float\`, \`bool\`, \`undefined\`, \`null\`, \`array\` or \`object\` |
| \`create_json_object(key, text, …)\`, \`create_json_array(text, …)\` | a document as text |
| \`metadata_get(key)\`, \`metadata_set(key, text)\` | the metadata of the message |
| \`timestamp_unix()\`, \`timestamp_unix(date)\`, \`timestamp_unix(date, layout)\` | seconds since 1970, now or of a date in a [Go layout](https://pkg.go.dev/time#pkg-constants); \`timestamp_unix_nano\` likewise |
| \`timestamp_format(seconds, layout)\`, \`timestamp_format_nano(nanos, layout)\` | a time as text, in RFC 3339 by default |
| \`print_log(message, level)\` | writes to the log |
| \`base64_encode(text)\`, \`base64_decode(text)\` | base64 |`,
  config: field.object({
    codec: field.string('The input that the program sees.').options({
      none: 'One empty record.',
      text: 'The body.',
      json: 'One empty record, and variables for the values of the document.',
    }),
    program: field.string('The program.').lint(findingOf),
  }),
  examples: [
    {
      title: 'Summing columns',
      config: `awk:
  codec: text
  program: |
    BEGIN { FS = "," }
    { sum = 0; for (i = 2; i <= NF; i++) sum += $i; print toupper($1) "=" sum }
`,
      input: ['a,1,2.5', 'b,7'],
      output: ['A=3.5', 'B=7'],
    },
    {
      title: 'Calculating with a document',
      config: `awk:
  codec: json
  program: '{ json_set_int("result", doc_a + doc_b) }'
`,
      input: ['{"doc":{"a":5,"b":10}}'],
      output: ['{"doc":{"a":5,"b":10},"result":15}'],
    },
  ],
  create({ codec, program }, resources) {
    const run = compiled(program)
    const patterns = new Map<string, Re2>()
    return perMessage(message => {
      const subject: Subject = { message }
      try {
        const natives = nativesFor(subject, resources.host, resources.log)
        const machine = new Machine(codec === 'text' ? utf8Text(message.bytes()) : ' ', natives, patterns)
        for (const [name, value] of variablesOf(message, codec)) machine.setVariable(name, new Input(value))
        run(machine)
        return resultOf(machine, subject)
      } catch (error) {
        return resources.fail(subject.message, error)
      }
    })
  },
})

function compiled(source: string): Run {
  try {
    return compileProgram(parseProgram(source, nativeNames), nativeNames)
  } catch (error) {
    throw new ConfigError(`failed to compile AWK program: ${messageOf(error)}`, { cause: error })
  }
}

function findingOf(source: unknown): string | undefined {
  if (typeof source !== 'string' || source.includes('${')) return undefined
  try {
    compiled(source)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function resultOf(machine: Machine, { message }: Subject): Message {
  if (machine.exitStatus !== 0) {
    throw new AwkError(`non-fatal execution error: awk interpreter returned non-zero exit code: ${machine.exitStatus}`)
  }
  if (machine.errors !== '') throw new AwkError(machine.errors)
  const { output } = machine
  if (output === '') return message
  return message.withText(output.endsWith('\n') ? output.slice(0, -1) : output)
}

function variablesOf(message: Message, codec: string): readonly (readonly [string, string])[] {
  if (codec === 'none') return []
  const values = codec === 'json' ? flattened('', message.structured()) : []
  const metadata = [...message.metadata].map(([key, value]) => [key, textOfMetadata(value)] as const)
  return [...values, ...metadata].map(([name, value]) => [name.replaceAll(/[^a-zA-Z0-9_]/g, '_'), value])
}

/** The values of a document by path; of an array, the last element wins. */
function flattened(path: string, value: Value): readonly (readonly [string, string])[] {
  if (isArray(value)) return value.flatMap(item => flattened(path, item))
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, child]) => flattened(path === '' ? key : `${path}.${key}`, child))
  }
  if (value === null) return [[path, '<nil>']]
  return [[path, value instanceof JsonNumber ? value.text : plainText(value)]]
}
