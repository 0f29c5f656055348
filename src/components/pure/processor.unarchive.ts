import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import { isObject, parseJson, typeOf, type Value, type Host } from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, kept, type Message } from '../../engine/index.ts'
import { unpackBinary, unpackTar, unpackZip } from './containers.ts'
import { expression, quoted } from './expression.ts'
import { splitDocuments } from './json-documents.ts'
import { splitXml } from './xml-documents.ts'

type Unpack = (message: Message) => readonly Message[]

export default defineProcessor({
  name: 'unarchive',
  categories: ['Parsing', 'Utility'],
  summary: 'Unpacks each message into several.',
  description: 'All of them have the metadata of the original message.',
  config: field.object({
    format: field.string('The archive format.').options(
      {
        binary: 'Parts preceded by their sizes.',
        csv: 'CSV rows with a header row, each as a document; `csv:x` sets another delimiter.',
        json_array: 'The elements of a JSON array.',
        json_documents: 'Consecutive JSON documents.',
        json_map: 'The values of a JSON object, with their keys as metadata `archive_key`.',
        lines: 'Lines.',
        tar: 'The files of a tar archive, with their names as metadata `archive_filename`.',
        zip: 'The files of a zip archive, with their names as metadata `archive_filename`.',
        xml_documents_to_json: 'XML documents; `xml_documents_to_json:cast` infers numbers and booleans.',
      },
      false,
    ),
  }),
  create({ format }, resources) {
    const unpack = unpacker(format, resources.host)
    return {
      process(batch) {
        const results: Message[] = []
        for (const message of batch) {
          try {
            for (const part of unpack(message)) results.push(part)
          } catch (error) {
            resources.log.error(`Failed to unarchive message part: ${messageOf(error)}`)
            results.push(resources.fail(message, error))
          }
        }
        return kept(results)
      },
    }
  },
})

function unpacker(format: string, host: Host): Unpack {
  const each = (unpack: (bytes: Uint8Array) => readonly Uint8Array[]): Unpack => {
    return message => unpack(message.bytes()).map(part => message.withBytes(part))
  }
  switch (format) {
    case 'binary':
      return each(unpackBinary)
    case 'lines':
      return each(splitLines)
    case 'tar':
      return message =>
        unpackTar(message.bytes()).map(({ name, bytes }) => message.withBytes(bytes).withMeta('archive_filename', name))
    case 'zip':
      return message =>
        unpackZip(message.bytes()).map(({ name, bytes }) => message.withBytes(bytes).withMeta('archive_filename', name))
    case 'json_documents':
      return message => splitDocuments(message.text()).map(text => message.withDocument(parseJson(text)))
    case 'json_array':
      return message => {
        const value = documentOf(message, 'array')
        if (!Array.isArray(value))
          throw new Error(`failed to parse message into JSON array: invalid type '${goType(value)}'`)
        return value.map(element => message.withDocument(element))
      }
    case 'json_map':
      return message => {
        const value = documentOf(message, 'map')
        if (!isObject(value)) throw new Error(`failed to parse message into JSON map: invalid type '${goType(value)}'`)
        return Object.entries(value).map(([key, child]) => message.withDocument(child).withMeta('archive_key', key))
      }
    case 'xml_documents_to_json':
    case 'xml_documents_to_json:cast': {
      const parse = expression(`this.parse_xml(cast: ${format.endsWith('cast')})`, host)
      return message => splitXml(message.text()).map(text => message.withDocument(parse(text)))
    }
    default:
      return csvUnpacker(format, host)
  }
}

function csvUnpacker(format: string, host: Host): Unpack {
  if (format !== 'csv' && !format.startsWith('csv:')) throw new ConfigError(`archive format not recognised: ${format}`)
  const delimiter = format === 'csv' ? ',' : format.slice('csv:'.length)
  if (delimiter === '') throw new ConfigError('csv format requires a non-empty delimiter')
  if ([...delimiter].length !== 1) throw new ConfigError('csv format requires a single character delimiter')
  const parse = expression(`this.parse_csv(delimiter: ${quoted(delimiter)})`, host)
  return message => {
    const text = message.text()
    // Without a header there are no rows either.
    if (/^[\r\n]*$/.test(text)) return []
    try {
      // CSV is parsed into an array of rows.
      return (parse(text) as readonly Value[]).map(row => message.withDocument(row))
    } catch (error) {
      throw new Error(`failed to parse message as csv: ${messageOf(error)}`)
    }
  }
}

function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const lines: Uint8Array[] = []
  let start = 0
  for (let end = buffer.indexOf(10); end !== -1; end = buffer.indexOf(10, start)) {
    lines.push(buffer.subarray(start, end))
    start = end + 1
  }
  return [...lines, buffer.subarray(start)]
}

function documentOf(message: Message, into: string): Value {
  try {
    return message.structured()
  } catch (error) {
    throw new Error(`failed to parse message into JSON ${into}: ${messageOf(error)}`)
  }
}

/** The name of a value's type in Go, the original's language. */
function goType(value: Value): string {
  switch (typeOf(value)) {
    case 'object':
      return 'map[string]interface {}'
    case 'array':
      return '[]interface {}'
    case 'number':
      return 'json.Number'
    case 'bool':
      return 'bool'
    case 'null':
      return '<nil>'
    default:
      return 'string'
  }
}
