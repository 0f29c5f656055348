// How long one group of the consumer protocol takes to stabilise, and what many small groups cost: through the
// coordinator, with in-memory SQLite. `MEMBERS=5000 SMALL_GROUPS=10000`
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { Groups } from '../../src/broker/groups/index.ts'
import { Leases } from '../../src/broker/leases.ts'
import { openSqliteMetadata } from '../../src/metadata/index.ts'

type Heartbeat = Parameters<Groups['consumerHeartbeat']>[1]
type Owned = NonNullable<Heartbeat['owned']>

const memberCount = Number(process.env.MEMBERS ?? 5000)
const groupCount = Number(process.env.SMALL_GROUPS ?? 10_000)

const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
const world = { metadata, clock: systemClock, random: systemRandom, log: nullLog }
const leases = new Leases({ ...world, holder: { id: 'bench', nodeId: 1, host: '', port: 1 }, durationMs: 60_000 })
const groups = new Groups({
  ...world,
  leases,
  settings: { initialRebalanceDelayMs: 0, maxSize: 1e6 },
  consumers: { maxSize: 1e6, timeoutsOf: () => ({ sessionTimeoutMs: 600_000, heartbeatIntervalMs: 5_000 }) },
  retention: { offsetsRetentionMs: 1e9, checkIntervalMs: 1e9 },
})
await metadata.createTopics([{ name: 't', partitions: 2 * memberCount, configs: {} }])

interface Member {
  readonly id: string
  epoch: number
  owned: Owned
}

async function beat(group: string, member: Member): Promise<void> {
  const joins = member.epoch === 0
  const answer = await groups.consumerHeartbeat(group, {
    memberId: member.id,
    memberEpoch: member.epoch,
    instanceId: null,
    rackId: null,
    clientId: 'bench',
    clientHost: '/127.0.0.1',
    rebalanceTimeoutMs: joins ? 60_000 : -1,
    topicNames: joins ? ['t'] : null,
    topicPattern: null,
    mayDescribe: null,
    assignor: null,
    owned: member.owned,
  })
  if (answer.errorCode !== 0) throw new Error(`heartbeat: error ${answer.errorCode}`)
  member.epoch = answer.memberEpoch
  if (answer.assignment !== null) member.owned = answer.assignment
}

async function phase(name: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  await work()
  const ms = performance.now() - began
  console.log(
    `${name.padEnd(48)} ${(ms / 1000).toFixed(2).padStart(8)} s ${Math.round((count / ms) * 1000)} heartbeats/s`,
  )
}

const members = Array.from({ length: memberCount }, (_, i): Member => ({ id: `m${i}`, epoch: 0, owned: new Map() }))
await phase(`${memberCount} members join one group`, memberCount, () =>
  Promise.all(members.map(member => beat('large', member))),
)
let rounds = 0
const began = performance.now()
for (let isSettled = false; !isSettled; rounds++) {
  await Promise.all(members.map(member => beat('large', member)))
  // Lets timers run as well: responses that need no write arrive without a turn of the event loop.
  await new Promise(resolve => setImmediate(resolve))
  const { group } = await groups.describe('large')
  isSettled = group?.phase === 'Stable'
}
console.log(
  `${rounds} rounds of heartbeats until it is stable        ${((performance.now() - began) / 1000).toFixed(2)} s`,
)
await phase('a round of heartbeats of the stable group', memberCount, () =>
  Promise.all(members.map(member => beat('large', member))),
)
await phase(`${groupCount} groups of one member each`, groupCount, async () => {
  for (let from = 0; from < groupCount; from += 500) {
    const some = Array.from({ length: Math.min(500, groupCount - from) }, (_, i) => from + i)
    await Promise.all(some.map(i => beat(`small-${i}`, { id: 'm', epoch: 0, owned: new Map() })))
  }
})
console.log(`resident memory ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`)
await groups.close()
await leases.close()
await metadata.close()
