// What is checked without a server; the rest is in mongodb.integration.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../test/connectors/streams.ts'

test('mongodb: a URL of another scheme stops the start', async () => {
  const write = { database: 'd', collection: 'c', operation: 'insert-one', document_map: 'root = this' }
  const output = { mongodb: { url: 'http://127.0.0.1', ...write } }
  await assert.rejects(Sender.start(output), /error parsing uri: scheme must be "mongodb" or "mongodb\+srv"/)
})
