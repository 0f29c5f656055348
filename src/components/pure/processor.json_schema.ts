import { text } from 'node:stream/consumers'
import { fileErrorText, messageOf } from '../../base/index.ts'
import {
  addressOfUrl,
  type ComponentHost,
  ConfigError,
  defineProcessor,
  field,
  HttpTransport,
  type Need,
  type Network,
  perMessage,
} from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'

export default defineProcessor({
  name: 'json_schema',
  categories: ['Mapping'],
  summary: 'Flags messages that a JSON schema does not allow.',
  config: field.object({
    schema: field.string('The schema.').optional(),
    schema_path: field
      .string('Where the schema is: `file://path`, or a URL with `http://`.')
      .needsWhen(['files', 'network'], needsOfPath)
      .optional(),
  }),
  async create({ schema, schema_path: path }, resources) {
    let definition = schema ?? ''
    if (path !== undefined && path !== '') {
      if (!path.startsWith('file://') && !path.startsWith('http://')) {
        throw new ConfigError('invalid schema_path provided, must start with file:// or http://')
      }
      try {
        definition = await read(path, resources.host)
      } catch (error) {
        throw new ConfigError(`failed to load JSON schema definition: ${messageOf(error)}`, { cause: error })
      }
    }
    if (definition === '') throw new ConfigError('either schema or schema_path must be provided')
    const check = expression(`this.json_schema(${quoted(definition)})`, resources.host)
    return {
      ...perMessage(message => {
        try {
          check(message.structured())
          return message
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
    }
  },
})

function needsOfPath(value: unknown): readonly Need[] {
  const path = typeof value === 'string' ? value : ''
  if (path === '') return []
  const target = addressOfUrl(path)
  if (path.startsWith('http://')) return [{ capability: 'network', ...(target !== undefined && { target }) }]
  return [{ capability: 'files', target: path.replace(/^file:\/\//, '') }]
}

async function read(path: string, { files, network }: Pick<ComponentHost, 'files' | 'network'>): Promise<string> {
  if (path.startsWith('http://')) return await download(path, network)
  const file = path.replace(/^file:\/\//, '')
  try {
    return (await files.readFile(file)).toString('utf8')
  } catch (error) {
    throw new Error(fileErrorText('open', file, error as NodeJS.ErrnoException), { cause: error })
  }
}

async function download(url: string, network: Network): Promise<string> {
  const transport = new HttpTransport({ sockets: network, environment: network.proxyVariables })
  try {
    const { statusCode, statusText, body } = await transport.request(url, { method: 'GET', timeoutMs: 30_000 })
    const schema = await text(body)
    if (statusCode !== 200) throw new Error(`${url} responded ${statusCode} ${statusText}`)
    return schema
  } finally {
    await transport.close()
  }
}
