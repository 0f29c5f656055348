import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { type Metadata, MetadataClient, MetadataHub, openSqliteTransport } from '../../metadata/index.ts'
import { startTcpProxy, type TcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { startTestPlane } from '../test-plane.ts'
import { AgentConnection, LinkRefused } from './agent-connection.ts'

let plane: Awaited<ReturnType<typeof startTestPlane>>
let proxy: TcpProxy
type NewObject = Parameters<Metadata['commit']>[0][number]
const opened: { close(): Promise<void> }[] = []

before(async () => {
  const transport = await openSqliteTransport(':memory:', systemClock)
  plane = await startTestPlane(new MetadataHub(transport))
  proxy = await startTcpProxy(Number(new URL(plane.url).port))
})
after(async () => {
  for (const one of opened) await one.close()
  await proxy.close()
  await plane.close()
})

async function link(more: { url?: URL; agentKey?: string; clusterId?: string } = {}): Promise<AgentConnection> {
  const connection = await AgentConnection.open({
    urls: [more.url ?? new URL(plane.url)],
    agentKey: more.agentKey ?? plane.agentKey,
    clusterId: more.clusterId ?? plane.clusterId,
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
  })
  opened.push(connection)
  return connection
}

async function metadataOver(connection: AgentConnection): Promise<Metadata> {
  return MetadataClient.open(connection.metadata(), { random: systemRandom })
}

async function topic(metadata: Metadata, name: string): Promise<number> {
  const [created] = await metadata.createTopics([{ name, partitions: 1, configs: {} }])
  assert.ok(created?.ok)
  return created.value.partitions[0]!
}

function object(epoch: number, key: string, partition: number): NewObject {
  const batch = {
    partition,
    position: 0,
    sizeBytes: 100,
    records: 3,
    maxTimestamp: 1,
    appendTime: false,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    transaction: null,
  }
  return { key, sizeBytes: 100, epoch, batches: [batch] }
}

test('the commit of one agent reaches the others', async () => {
  const [one, other] = [await metadataOver(await link()), await metadataOver(await link())]
  const partition = await topic(one, 'heard')
  const heard = new Promise<number>(resolve =>
    other.onAppend(([appended], isOwn) => {
      if (appended?.partition === partition && !isOwn) resolve(appended.highWatermark)
    }),
  )
  const [[assignment] = []] = await one.commit([object(await one.openEpoch(), 'heard/0', partition)])
  assert.ok(assignment?.ok && assignment.baseOffset === 0)
  assert.equal(await heard, 3)
  assert.ok((await other.refresh()).byName.has('heard'))
})

test('binary values are transferred unchanged', async () => {
  const metadata = await metadataOver(await link())
  const holder = { id: 'h', nodeId: 1, host: 'x', port: 1 }
  const [lease] = await metadata.acquireLeases(['l'], holder, 10_000)
  const state = Buffer.from([0, 255, 7])
  await metadata.saveGroup('g', state, { lease: 'l', epoch: lease!.epoch })
  assert.deepEqual(Buffer.from((await metadata.loadGroup('g'))!), state)
})

test('calls wait while the link is down, and a commit whose response was lost is applied once', async () => {
  const metadata = await metadataOver(await link({ url: new URL(`http://127.0.0.1:${proxy.port}`) }))
  const partition = await topic(metadata, 'cut')
  const epoch = await metadata.openEpoch()
  for (let round = 0; round < 20; round++) {
    const committed = metadata.commit([object(epoch, `cut/${round}`, partition)])
    // Before, during or after the call: the rounds differ randomly.
    await systemClock.sleep(round % 4)
    proxy.cut()
    const [[assignment] = []] = await committed
    assert.ok(assignment?.ok)
    assert.equal(assignment.baseOffset, round * 3)
  }
  const [bounds] = await metadata.bounds([partition])
  assert.equal(bounds?.highWatermark, 60)
})

test('calls reject immediately while the control plane is unreachable', async () => {
  const connection = await link({ url: new URL(`http://127.0.0.1:${proxy.port}`) })
  proxy.cut({ refuse: true })
  await assert.rejects(
    async () => {
      for (;;) await connection.control.leave('agt_unknown')
    },
    { code: 'database_unavailable' },
  )
  proxy.restore()
})

test('a wrong key, a wrong cluster and a key of another kind are refused', async () => {
  const refusal = (more: Parameters<typeof link>[0], code: string) =>
    assert.rejects(link(more), (error: unknown) => error instanceof LinkRefused && error.code === code)
  await refusal({ agentKey: 'aks_wrong' }, 'invalid_api_key')
  await refusal({ clusterId: 'vci_unknown' }, 'virtual_cluster_not_found')
  await refusal({ agentKey: plane.applicationKey }, 'forbidden')
})

test('an unknown call is an error, and the link stays open', async () => {
  const connection = await link()
  // A caller newer than the control plane knows other names.
  const call = connection.metadata().call as (name: string) => Promise<unknown>
  await assert.rejects(call('noSuchCall'))
  assert.ok(await metadataOver(connection))
})
