import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock, systemRandom } from '../base/index.ts'
import type { CallName } from './calls.ts'
import { MetadataClient } from './client.ts'
import { MetadataError, type MetadataErrorCode } from './errors.ts'
import type { NewObject } from './metadata.ts'
import { openSqliteTransport } from './sqlite.ts'
import type { Transport } from './transport.ts'

/** Faults for successive calls of a name; `lost` executes the call and loses its answer. */
type Troubles = Partial<Record<CallName, (MetadataErrorCode | 'lost' | 'none')[]>>

const objectOf = (partition: number, epoch: number): NewObject => ({
  key: `data/${epoch}/0`,
  sizeBytes: 70,
  epoch,
  batches: [
    {
      partition,
      position: 0,
      sizeBytes: 70,
      records: 1,
      maxTimestamp: 0,
      appendTime: false,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      transaction: null,
    },
  ],
})

test('a commit whose answer was lost gets its original answer', async () => {
  await using cluster = await startCluster({ commit: ['lost'] })
  const { metadata, object, highWatermark } = cluster
  const [[assignment] = []] = await metadata.commit([object])
  assert.ok(assignment?.ok)
  assert.equal(assignment.baseOffset, 0)
  assert.equal(await highWatermark(), 1)
})

test('a commit whose request was lost is retried', async () => {
  await using cluster = await startCluster({ commit: ['unknown_outcome', 'busy', 'none'] })
  const { metadata, object, highWatermark } = cluster
  await metadata.commit([object])
  assert.equal(await highWatermark(), 1)
})

// The caller deletes the objects of a commit that has certainly failed, so this one must not be reported as such.
test('a commit that succeeded is never reported as failed, whatever fails afterwards', async () => {
  for (const code of ['busy', 'failed', 'closed'] as const) {
    await using cluster = await startCluster({ commit: ['lost'], recallCommit: [code] })
    const { metadata, object, highWatermark } = cluster
    await assert.rejects(metadata.commit([object]), { code: 'unknown_outcome' })
    assert.equal(await highWatermark(), 1)
  }
})

test('a commit that may still arrive has an unknown outcome, even if later attempts failed', async () => {
  await using cluster = await startCluster({ commit: ['unknown_outcome', 'busy', 'busy', 'busy'] })
  await assert.rejects(cluster.metadata.commit([cluster.object]), { code: 'unknown_outcome' })
})

test('a commit that certainly failed reports why', async () => {
  await using refused = await startCluster({ commit: ['busy'] })
  await assert.rejects(refused.metadata.commit([refused.object]), { code: 'busy' })
  await using closed = await startCluster({ commit: ['unknown_outcome'] })
  await closed.metadata.closeEpoch(closed.object.epoch)
  await assert.rejects(closed.metadata.commit([closed.object]), { code: 'epoch_closed' })
})

async function startCluster(troubles: Troubles) {
  const inner = await openSqliteTransport(':memory:', systemClock)
  // The real transport, with calls and answers that can be lost.
  const transport: Transport = {
    ...bound(inner),
    call(name, ...values) {
      const trouble = troubles[name]?.shift() ?? 'none'
      if (trouble !== 'none' && trouble !== 'lost') return Promise.reject(new MetadataError(trouble, 'on the way'))
      const result = inner.call(name, ...values)
      if (trouble === 'none') return result
      return result.then(() => Promise.reject(new MetadataError('unknown_outcome', 'on the way back')))
    },
  }
  const metadata = await MetadataClient.open(transport, { random: systemRandom })
  const [topic] = await metadata.createTopics([{ name: 't', partitions: 1, configs: {} }])
  assert.ok(topic?.ok)
  const partition = topic.value.partitions[0]!
  return {
    metadata,
    object: objectOf(partition, await metadata.openEpoch()),
    highWatermark: async () => (await metadata.bounds([partition]))[0]!.highWatermark,
    [Symbol.asyncDispose]: () => metadata.close(),
  }
}

function bound(transport: Transport): Omit<Transport, 'call'> {
  return {
    onChange: listener => transport.onChange(listener),
    onLost: listener => transport.onLost(listener),
    close: () => transport.close(),
  }
}
