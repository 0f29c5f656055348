import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignRanges } from './range-assigner.ts'

/**
 * Maps each member to the `topic: partitions` it is assigned, given the topics of each member and the partition count
 * of each topic.
 */
function assigned(members: Readonly<Record<string, readonly string[]>>, counts: Readonly<Record<string, number>>) {
  const subscriptions = new Map(Object.entries(members).map(([memberId, topics]) => [memberId, { memberId, topics }]))
  const topics = new Map(Object.entries(counts).map(([topic, partitionsCount]) => [topic, { partitionsCount }]))
  type Parameters_ = Parameters<typeof assignRanges>
  // Only the parts of the client's types that are read: members with their topics, topics with their partition counts.
  const [given, metadata] = [subscriptions, { topics }] as unknown as [Parameters_[1], Parameters_[3]]
  return Object.fromEntries(
    assignRanges('', given, new Set(Object.keys(counts)), metadata).map(({ memberId, assignments }) => [
      memberId,
      [...assignments.values()].map(({ topic, partitions }) => `${topic}: ${partitions.join(' ')}`).join(', '),
    ]),
  )
}

test('each topic is divided into consecutive ranges in the order of the ids, the first ones longer', () => {
  assert.deepEqual(assigned({ b: ['x', 'y'], a: ['x', 'y'], c: ['x', 'y'] }, { x: 7, y: 2 }), {
    a: 'x: 0 1 2, y: 0',
    b: 'x: 3 4, y: 1',
    c: 'x: 5 6',
  })
})

test('a topic is assigned only to the members subscribed to it', () => {
  assert.deepEqual(assigned({ a: ['x'], b: ['x', 'y'] }, { x: 2, y: 3 }), { a: 'x: 0', b: 'x: 1, y: 0 1 2' })
})
