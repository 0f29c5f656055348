import { messageOf } from '../../base/index.ts'
import { parseJson, type Value } from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, type Message, perMessage } from '../../engine/index.ts'
import { Output } from '../protobuf/output.ts'
import { needsOfLocation, readLocation } from '../pure/location.ts'
import { AvroError, Cursor } from './cursor.ts'
import { singleObjectHeader } from './fingerprint.ts'
import { printer } from './print.ts'
import { reader } from './read.ts'
import { AvroSchemaError, parseAvroSchema } from './schema.ts'
import { writer } from './write.ts'

type Encoding = 'textual' | 'binary' | 'single'

export default defineProcessor({
  name: 'avro',
  categories: ['Parsing'],
  summary: 'Converts documents to Avro and back, based on a schema.',
  description: `In documents, values of unions are keyed by the names of their types: \`{"string":"a"}\`. \`to_json\` yields bytes, which JSON shows as base64, dates and timestamps as timestamps, times of day in nanoseconds, and decimals as fractions (\`"201/50"\`).

\`from_json\` takes strings given for bytes as UTF-8, and fields with defaults may be missing. In addition to the original, it accepts the output of \`to_json\` for timestamps and decimals. Values may be nested 500 levels deep. A message that does not conform to the schema is left unchanged and flagged as failed.

Messages of a schema registry begin with the id of their schema; use \`schema_registry_decode\` and \`schema_registry_encode\` for these.`,
  config: field.object({
    operator: field.string('The direction.').options({
      to_json: 'From Avro to a document.',
      from_json: 'From a document to Avro.',
    }),
    encoding: field
      .string('The Avro encoding.')
      .options({
        textual: 'Avro JSON.',
        binary: 'Binary values without a header.',
        single: 'Binary values preceded by the fingerprint of their schema.',
      })
      .default('textual'),
    schema: field.string('The schema.').default(''),
    schema_path: field
      .string('The location of the schema: `file://path`, or a URL with `http://`.')
      .needsWhen(['files', 'network'], needsOfLocation)
      .default(''),
  }),
  examples: [
    {
      title: 'Round trip',
      config: `try:
  - avro:
      operator: from_json
      encoding: binary
      schema: &schema '{"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"tag","type":["null","string"],"default":null}]}'
  - avro: { operator: to_json, encoding: binary, schema: *schema }
`,
      input: ['{"id":7,"tag":{"string":"a"}}', '{"id":8}'],
      output: ['{"id":7,"tag":{"string":"a"}}', '{"id":8,"tag":null}'],
    },
  ],
  async create({ operator, encoding, schema: written, schema_path: path }, resources) {
    const schema = path === '' ? written : await loaded(path, resources.host)
    if (schema === '')
      throw new ConfigError('a schema must be specified with either the `schema` or `schema_path` fields')
    const convert = converter(schema, operator === 'to_json', encoding as Encoding) // restricted by the field's options
    return perMessage(message => {
      try {
        return convert(message)
      } catch (error) {
        resources.log.debug(`Operator failed: ${messageOf(error)}`)
        return resources.fail(message, error)
      }
    })
  },
})

async function loaded(path: string, host: Parameters<typeof readLocation>[1]): Promise<string> {
  if (!path.startsWith('file://') && !path.startsWith('http://')) {
    throw new ConfigError('invalid schema_path provided, must start with file:// or http://')
  }
  try {
    return await readLocation(path, host)
  } catch (error) {
    throw new ConfigError(`failed to load Avro schema definition: ${messageOf(error)}`, { cause: error })
  }
}

function converter(schema: string, isReading: boolean, encoding: Encoding): (message: Message) => Message {
  try {
    return isReading ? reading(schema, encoding) : writing(schema, encoding)
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error
    throw new ConfigError(`failed to parse schema: ${error.message}`, { cause: error })
  }
}

function reading(schema: string, encoding: Encoding): (message: Message) => Message {
  const type = parseAvroSchema(schema)
  const read = reader(type)
  const write = writer(type, { isTextual: true, isPlain: false, isStrict: true })
  const header = singleObjectHeader(schema)
  const cursor = new Cursor()
  const output = new Output()
  const asBinary = (text: string) => {
    output.length = 0
    write(document(text), output, 0)
    return output.take()
  }
  return message => {
    try {
      if (encoding === 'textual') cursor.use(asBinary(message.text()))
      else if (encoding === 'single') cursor.use(message.bytes(), behindHeader(message.bytes(), header))
      else cursor.use(message.bytes())
      return message.withDocument(read(cursor, 0))
    } catch (error) {
      throw described(error, 'failed to convert Avro document to JSON')
    }
  }
}

function writing(schema: string, encoding: Encoding): (message: Message) => Message {
  const type = parseAvroSchema(schema)
  const write = writer(type, { isTextual: false, isPlain: false, isStrict: false })
  const print = printer(type, false)
  const header = singleObjectHeader(schema)
  const cursor = new Cursor()
  const output = new Output()
  return message => {
    const value = structured(message)
    try {
      output.length = 0
      if (encoding === 'single') output.raw(header)
      write(value, output, 0)
      const bytes = output.take()
      if (encoding !== 'textual') return message.withBytes(bytes)
      cursor.use(bytes)
      print(cursor, output, 0)
      return message.withBytes(output.take())
    } catch (error) {
      throw described(error, 'failed to convert JSON to Avro schema')
    }
  }
}

function structured(message: Message): Value {
  try {
    return message.structured()
  } catch (error) {
    throw new Error(`failed to parse message as JSON: ${messageOf(error)}`, { cause: error })
  }
}

function document(text: string): Value {
  try {
    return parseJson(text)
  } catch (error) {
    throw new AvroError(messageOf(error))
  }
}

function behindHeader(bytes: Uint8Array, header: Uint8Array): number {
  if (bytes.length < header.length || bytes[0] !== header[0] || bytes[1] !== header[1]) {
    throw new AvroError('cannot decode buffer as single-object encoding: magic prefix mismatch')
  }
  for (let i = 2; i < header.length; i++) {
    if (bytes[i] === header[i]) continue
    throw new AvroError(`wrong codec: ${new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(2, true)}`)
  }
  return header.length
}

/** Leaves internal errors unchanged. */
function described(error: unknown, what: string): unknown {
  return error instanceof AvroError ? new Error(`${what}: ${error.message}`, { cause: error }) : error
}
