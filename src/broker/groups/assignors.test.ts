import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Assignment, type AssignorMember, assignors, nothingAssigned, range, uniform } from './assignors.ts'

function member(id: string, topics: string[], current: Record<string, number[]> = {}): AssignorMember {
  return { id, instanceId: null, topics, current: new Map(Object.entries(current)) }
}

const plain = (assignment: Assignment | undefined) => Object.fromEntries(assignment ?? [])
const count = (assignment: Assignment) => [...assignment.values()].reduce((sum, list) => sum + list.length, 0)

describe('assignors', () => {
  const someMembers = fc.array(
    fc.record({ topics: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'gone')), seed: fc.nat(1000) }),
    { minLength: 1, maxLength: 7 },
  )
  const somePartitions = fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9) })

  for (const [name, assign] of Object.entries(assignors)) {
    it(`${name} assigns every partition with subscribers to exactly one of them`, () => {
      fc.assert(
        fc.property(someMembers, somePartitions, (wanted, sizes) => {
          const partitions = new Map(Object.entries(sizes))
          let members = wanted.map(({ topics }, i) => member(`m${i}`, topics))
          // Two rounds: the second starts from the result of the first, after the first member has left.
          for (let round = 0; round < 2; round++) {
            const assigned = assign(members, partitions)
            const seen = new Set<string>()
            for (const each of members) {
              for (const [topic, list] of assigned.get(each.id)!) {
                assert.ok(each.topics.includes(topic))
                for (const partition of list) {
                  assert.ok(partition < partitions.get(topic)!)
                  assert.ok(!seen.has(`${topic}/${partition}`))
                  seen.add(`${topic}/${partition}`)
                }
              }
            }
            for (const [topic, size] of partitions) {
              if (!members.some(({ topics }) => topics.includes(topic))) continue
              for (let partition = 0; partition < size; partition++) assert.ok(seen.has(`${topic}/${partition}`))
            }
            members = members.slice(1).map(each => ({ ...each, current: assigned.get(each.id)! }))
            if (members.length === 0) return
          }
        }),
      )
    })
  }

  it('uniform gives equally subscribed members shares that differ by at most one partition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(30), fc.nat(30), (size, a, b) => {
        const members = Array.from({ length: size }, (_, i) =>
          member(`m${i}`, ['a', 'b'], { a: i === 0 ? [0, 1, 2] : [] }),
        )
        const counts = [
          ...uniform(
            members,
            new Map([
              ['a', a],
              ['b', b],
            ]),
          ).values(),
        ].map(count)
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
      }),
    )
  })

  it('uniform moves no more partitions than the share of a new member', () => {
    const current = { t: [0, 1, 2, 3, 4, 5] }
    const assigned = uniform([member('old', ['t'], current), member('new', ['t'])], new Map([['t', 6]]))
    assert.deepEqual(plain(assigned.get('old')), { t: [0, 1, 2] })
    assert.deepEqual(plain(assigned.get('new')), { t: [3, 4, 5] })
  })

  it('uniform balances what members with different subscriptions can share', () => {
    const assigned = uniform(
      [member('one', ['a']), member('both', ['a', 'b'])],
      new Map([
        ['a', 4],
        ['b', 2],
      ]),
    )
    assert.deepEqual([...assigned.values()].map(count), [3, 3])
  })

  it('range divides topics of the same size in the same way', () => {
    const members = ['x', 'y'].map(id => member(id, ['a', 'b']))
    const assigned = range(
      members,
      new Map([
        ['a', 3],
        ['b', 3],
      ]),
    )
    assert.deepEqual(plain(assigned.get('x')), { a: [0, 1], b: [0, 1] })
    assert.deepEqual(plain(assigned.get('y')), { a: [2], b: [2] })
  })

  it('assign nothing without topics', () => {
    for (const assign of Object.values(assignors)) {
      assert.deepEqual(assign([member('m', [])], new Map()).get('m'), nothingAssigned)
    }
  })
})
