import { fieldsOf } from '../../base/index.ts'
import type { KV } from '@nats-io/kv'
import type { Value } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  defineProcessor,
  evaluated,
  field,
  type Infer,
  type Message,
  perMessage,
} from '../../engine/index.ts'
import { bucketField, changeMetadata, entryDocument, entryMetadata, openBucket, type Operation } from './bucket.ts'
import { natsConnector, OnDemandConnection, securityFields, urlsField } from './client.ts'

/** Operations that require a revision. */
const withRevision: readonly unknown[] = ['get_revision', 'update']

const config = field
  .object({
    urls: urlsField,
    bucket: bucketField,
    operation: field.string('The operation.').options({
      create: 'Stores the message under a key that must not exist.',
      delete: 'Deletes the key; earlier values are kept.',
      get: 'Returns the latest value of the key.',
      get_revision: 'Returns the value of the key at a revision.',
      history: 'Returns an array of the values of the key that the bucket keeps.',
      keys: 'Returns an array of the matching keys.',
      purge: 'Deletes the key and its earlier values.',
      put: 'Stores the message.',
      update: 'Stores the message if `revision` is the latest revision of the key.',
    }),
    key: field
      .interpolated('The key; for `history` and `keys`, `*` matches one token and `>` the rest.')
      .examples('foo', 'foo.*', 'foo.${! this.meta.type }')
      .lint(value => (value === '' ? "'key' must be set to a non-empty string" : undefined)),
    revision: field
      .interpolated('The revision, for `get_revision` and `update`.')
      .examples('42', '${! @nats_kv_revision }')
      .optional()
      .advanced(),
    timeout: field.duration('How long an operation may take.').default('5s').advanced(),
    ...securityFields,
  })
  .lint(value => {
    const { operation, revision } = fieldsOf(value)
    const wants = withRevision.includes(operation)
    if (wants === (revision !== undefined)) return undefined
    return `'revision' ${wants ? 'must' : 'cannot'} be set when operation is '${String(operation)}'`
  })

type Config = Infer<typeof config>

export default defineProcessor({
  name: 'nats_kv',
  categories: ['Services'],
  summary: 'Performs operations on a NATS key-value bucket.',
  description: `\`get\` and \`get_revision\` replace the body with the value, \`history\` and \`keys\` with an array; the other operations leave it unchanged. A message whose operation fails is flagged as failed.

The metadata is that of the \`nats_kv\` input; \`nats_kv_delta\` and \`nats_kv_created\` are set for values only, and \`keys\` sets only \`nats_kv_bucket\`.`,
  config,
  requires: ['@nats-io/transport-node', '@nats-io/kv'],
  needs: ['network'],
  create(options, resources) {
    const connection = new OnDemandConnection(
      natsConnector(options, resources, { reconnects: true }),
      async open => await openBucket(open, options.bucket),
    )
    return {
      waits: true,
      effects: true,
      ...perMessage(async (message, batch, index) => {
        try {
          const key = evaluated('key', () => options.key.eval(batch, index))
          const work = async () =>
            await operate(await connection.use(), options, message, key, revisionOf(options, batch, index))
          return await within(options.timeout ?? 5000, work())
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
      close: () => connection.close(),
    }
  },
})

function revisionOf({ revision }: Config, batch: Batch, index: number): number {
  if (revision === undefined) return 0
  const text = evaluated('revision', () => revision.eval(batch, index))
  if (!/^\d{1,15}$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

async function operate(
  bucket: KV,
  { bucket: name, operation }: Config,
  message: Message,
  key: string,
  revision: number,
): Promise<Message> {
  const changed = (newRevision: number, what: Operation) =>
    withMetadata(message, changeMetadata(key, name, newRevision, what))
  switch (operation) {
    case 'get':
    case 'get_revision': {
      const entry = await bucket.get(key, ...(operation === 'get' ? [] : [{ revision }]))
      if (entry === null || entry.operation !== 'PUT') throw new Error('nats: key not found')
      return withMetadata(message.withBytes(entry.value), entryMetadata(entry))
    }
    case 'create':
      return changed(await bucket.create(key, message.bytes()), 'PUT')
    case 'put':
      return changed(await bucket.put(key, message.bytes()), 'PUT')
    case 'update':
      return changed(await bucket.update(key, message.bytes(), revision), 'PUT')
    case 'delete':
      await bucket.delete(key)
      return changed(0, 'DEL')
    case 'purge':
      await bucket.purge(key)
      return changed(0, 'PURGE')
    case 'history': {
      const entries: Value[] = []
      for await (const entry of await bucket.history({ key })) entries.push(entryDocument(entry))
      return message.withDocument(entries)
    }
    case 'keys': {
      const keys: Value[] = []
      for await (const each of await bucket.keys(key)) keys.push(each)
      return message.withDocument(keys).withMetadata(new Map([['nats_kv_bucket', name]]))
    }
    default:
      throw new ConfigError(`invalid kv operation: ${String(operation)}`)
  }
}

function withMetadata(message: Message, more: readonly (readonly [string, Value])[]): Message {
  return message.withMetadata(new Map([...message.metadata, ...more]))
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('context deadline exceeded')), timeoutMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
