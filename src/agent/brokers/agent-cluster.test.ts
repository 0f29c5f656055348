import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peer } from '../../control/index.ts'
import { AgentCluster } from './agent-cluster.ts'

function peer(nodeId: number, more: Partial<Peer> = {}): Peer {
  return {
    nodeId,
    host: `host${nodeId}`,
    port: 9092,
    roles: ['proxy'],
    group: '',
    zone: '',
    isDraining: false,
    ...more,
  }
}

function clusterOf(peers: readonly Peer[]): AgentCluster {
  const cluster = new AgentCluster(peers[0]!)
  cluster.follow(peers)
  return cluster
}

const nodesSeenBy = (cluster: AgentCluster, clientId: string | null) =>
  cluster
    .seenBy(clientId)
    .brokers()
    .map(({ nodeId }) => nodeId)

test('an agent that knows no other agents lists itself', () => {
  const cluster = new AgentCluster(peer(7))
  assert.deepEqual(nodesSeenBy(cluster, null), [7])
  cluster.follow([])
  assert.deepEqual(nodesSeenBy(cluster, null), [7])
})

test('clients see only the agents of the group to which they connect', () => {
  const cluster = clusterOf([peer(1, { group: 'a' }), peer(2, { group: 'a' }), peer(3, { group: 'b' }), peer(4)])
  assert.deepEqual(nodesSeenBy(cluster, null), [1, 2])
})

test('clients see the agents of their zone, or all agents if their zone has none', () => {
  const cluster = clusterOf([peer(1, { zone: 'a' }), peer(2, { zone: 'b' }), peer(3, { zone: 'b' })])
  assert.deepEqual(nodesSeenBy(cluster, 'ws_az=b,orders'), [2, 3])
  assert.deepEqual(nodesSeenBy(cluster, 'orders,warpstream_az=a'), [1])
  assert.deepEqual(nodesSeenBy(cluster, 'warpstream_az=c'), [1, 2, 3])
  assert.deepEqual(nodesSeenBy(cluster, 'orders'), [1, 2, 3])
})

test('clients are directed to agents with the requested role', () => {
  const cluster = clusterOf([
    peer(1, { roles: ['proxy-produce'] }),
    peer(2, { roles: ['proxy-consume', 'jobs'] }),
    peer(3, { roles: ['jobs', 'pipelines'] }),
  ])
  assert.deepEqual(nodesSeenBy(cluster, 'warpstream_proxy_target=proxy-produce'), [1])
  assert.deepEqual(nodesSeenBy(cluster, 'ws_pt=proxy-consume'), [2])
  assert.deepEqual(nodesSeenBy(cluster, null), [1, 2])
})

test('agents that only produce or only consume serve only clients that request them', () => {
  const cluster = clusterOf([peer(1), peer(2, { roles: ['proxy-consume'] }), peer(3)])
  assert.deepEqual(nodesSeenBy(cluster, null), [1, 3])
  assert.deepEqual(nodesSeenBy(cluster, 'ws_pt=proxy-consume'), [2])
  assert.deepEqual(nodesSeenBy(cluster, 'ws_pt=proxy-produce'), [1, 3], 'nobody is dedicated to it')
})

test('partitions are spread evenly, on a single agent or by hash, as the client requests', () => {
  const cluster = clusterOf([peer(1), peer(2), peer(3)])
  const leaders = (clientId: string) =>
    Array.from({ length: 9 }, (_, partition) => cluster.seenBy(clientId).leaderOf('t', partition).nodeId)
  const counts = (nodes: readonly number[]) => [1, 2, 3].map(id => nodes.filter(node => node === id).length)
  assert.deepEqual(counts(leaders('x')), [3, 3, 3])
  const single = 'ws_pas=single_agent,x'
  assert.equal(new Set(leaders(single)).size, 1)
  assert.equal(nodesSeenBy(cluster, single).length, 1)
  const hashed = leaders('warpstream_partition_assignment_strategy=consistent_random_jump')
  cluster.follow([peer(1), peer(2)])
  const after = leaders('warpstream_partition_assignment_strategy=consistent_random_jump')
  for (const [partition, node] of hashed.entries()) if (node !== 3) assert.equal(after[partition], node)
})

test('a client may override the host name', () => {
  const [only] = clusterOf([peer(1)])
    .seenBy('ws_host_override=kafka.example')
    .brokers()
  assert.deepEqual(only, { nodeId: 1, host: 'kafka.example', port: 9092, rack: null })
})

test('draining agents are listed only if there are no others', () => {
  const draining = peer(1, { isDraining: true })
  assert.deepEqual(nodesSeenBy(clusterOf([draining, peer(2)]), null), [2])
  assert.deepEqual(nodesSeenBy(clusterOf([draining]), null), [1])
})

test('a coordinator in another zone is listed among the brokers of a client once the client has looked it up', () => {
  const cluster = clusterOf([peer(1, { zone: 'a' }), peer(2, { zone: 'b' }), peer(3, { zone: 'b' })])
  const client = 'ws_az=a'
  assert.deepEqual(nodesSeenBy(cluster, client), [1])
  cluster.seenBy(client).noteCoordinator(1)
  assert.deepEqual(nodesSeenBy(cluster, client), [1])
  cluster.seenBy(client).noteCoordinator(2)
  assert.deepEqual(nodesSeenBy(cluster, client), [1, 2])
  cluster.follow([peer(1, { zone: 'a' }), peer(2, { zone: 'b' })])
  assert.deepEqual(nodesSeenBy(cluster, client), [1, 2])
  assert.equal(cluster.seenBy(client).leaderOf('t', 1).nodeId, 1)
  assert.deepEqual(nodesSeenBy(cluster, `${client},another`), [1])
})

test('a group has the same coordinator for clients in all zones, and few groups move when an agent leaves', () => {
  const three = clusterOf([peer(1, { zone: 'a' }), peer(2, { zone: 'b' }), peer(3, { zone: 'a' })])
  const groups = Array.from({ length: 300 }, (_, index) => `group-${index}`)
  const coordinators = (cluster: AgentCluster, clientId: string | null) =>
    groups.map(group => cluster.seenBy(clientId).coordinatorOf(group).nodeId)
  const before = coordinators(three, 'ws_az=a')
  assert.deepEqual(coordinators(three, 'ws_az=b'), before)
  for (const id of [1, 2, 3]) assert.ok(before.filter(node => node === id).length > 50)
  const after = coordinators(clusterOf([peer(1), peer(2)]), null)
  for (const [index, node] of before.entries()) if (node !== 3) assert.equal(after[index], node)
})
