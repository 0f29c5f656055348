import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { test } from 'node:test'
import rhea, { type EventContext } from 'rhea'
import { limitMessages } from './message-limit.ts'
import { AmqpServer } from './peer.suite.ts'

test('amqp_1: an endless message is not buffered', { timeout: 60_000 }, async context => {
  const server = await AmqpServer.start(context)
  const { port } = new URL(server.url)
  // Small frames, so that both messages are split.
  const options = { host: '127.0.0.1', port: Number(port), transport: 'tcp' as const, reconnect: false }
  const connection = rhea.create_container().connect({ ...options, max_frame_size: 4096 })
  context.after(() => connection.close())
  const receiver = connection.open_receiver({ source: 'q' })
  await once(receiver, 'receiver_open')
  limitMessages(receiver, 50_000)
  const lengths: number[] = []
  receiver.on('message', ({ message }: EventContext) => lengths.push(message!.body.content.length))
  const failed = once(connection, 'error')
  const put = (bytes: number) => server.put('q', { body: rhea.message.data_section(Buffer.alloc(bytes)) })
  for (const bytes of [40_000, 40_000, 60_000]) put(bytes)
  const [error]: readonly unknown[] = await failed
  assert.match(String(error), /a message of more than 50000 bytes/)
  assert.deepEqual(lengths, [40_000, 40_000])
})
