import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AnomalyKind, checkHistory } from './anomalies.ts'
import { cyclesIn } from './cycles.ts'
import type { History, ReadRecord, Write } from './history.ts'

/** `a@0` is the value a at offset 0 of partition `t/0`; `a@1/3` is at offset 3 of `t/1`. */
function record(text: string): ReadRecord {
  const [value = '', place = ''] = text.split('@')
  const [first = '', second] = place.split('/')
  return { value, partition: `t/${second === undefined ? 0 : first}`, offset: Number(second ?? first) }
}

const records = (text: string) => text.split(' ').filter(Boolean).map(record)

function write(sent: string, changes: Partial<Write> = {}): Write {
  return { process: 'p', outcome: 'done', sent: records(sent), read: [], endedAt: 0, ...changes }
}

const history = (changes: Partial<History>): History => ({
  writes: [],
  readers: [],
  ends: [],
  commits: [],
  groups: [],
  dense: [],
  log: [],
  ...changes,
})

const kindsIn = (changes: Partial<History>) => [
  ...new Set(checkHistory(history(changes)).anomalies.map(({ kind }) => kind)),
]

const session = (text: string, from = 0) => ({ partition: 't/0', from, records: records(text) })
const reader = (...sessions: ReturnType<typeof session>[]) => ({ reader: 'r', seesAborted: false, sessions })
const abc = [write('a@0'), write('b@1'), write('c@2')]
const log = records('a@0 b@1 c@2')
const committed = new Map([['t/0', 3]])
const group = { group: 'g', records: log, committed }
const at = (offset: number) => [{ group: 'g', partition: 't/0', offset }]
const seen = (offset: number, askedAt: number, answeredAt: number) => ({ ...at(offset)[0]!, askedAt, answeredAt })

/** For each kind a history that contains it, and one that is similar and sound. */
const cases: readonly [AnomalyKind, unsound: Partial<History>, sound: Partial<History>][] = [
  [
    'inconsistent offset',
    { writes: [...abc, write('d@1', { outcome: 'unknown' })], log },
    { writes: [...abc, write('d@3', { outcome: 'unknown' })], log },
  ],
  ['duplicate', { writes: abc, log: records('a@0 b@1 c@2 c@3') }, { writes: abc, log }],
  [
    'lost',
    { writes: abc, log: records('a@0 c@2') },
    { writes: [write('a@0'), write('b@1', { outcome: 'unknown' }), write('c@2')], log: records('a@0 c@2') },
  ],
  [
    'lost',
    { writes: [{ ...write(''), sent: [{ partition: 't/0', value: 'a' }] }] },
    { writes: [{ ...write(''), sent: [{ partition: 't/0', value: 'a' }] }], log: records('a@0') },
  ],
  ['unseen', { writes: abc, log: records('a@0 b@1') }, { writes: abc, log }],
  [
    'never sent',
    { writes: abc, log, readers: [reader(session('a@0 b@1 c@2 d@3'))] },
    { writes: abc, log, readers: [reader(session('a@0 b@1 c@2'))] },
  ],
  [
    'aborted read',
    {
      writes: [...abc, write('d@3', { outcome: 'aborted' })],
      log,
      readers: [reader(session('a@0 b@1 c@2 d@3'))],
    },
    {
      writes: [...abc, write('d@3', { outcome: 'aborted' })],
      log,
      readers: [{ ...reader(session('a@0 b@1 c@2 d@3')), seesAborted: true }],
    },
  ],
  [
    'aborted read',
    { writes: [write('a@0', { outcome: 'aborted' })], log: records('a@0') },
    { writes: [write('a@0', { outcome: 'unknown' })], log: records('a@0') },
  ],
  [
    'torn',
    { writes: [write('a@0/0 b@1/0', { outcome: 'unknown' })], log: records('a@0/0') },
    { writes: [write('a@0/0 b@1/0', { outcome: 'unknown' })], log: records('a@0/0 b@1/0') },
  ],
  [
    'torn',
    {
      writes: [write('a@0', { offsets: at(1) }), write('b@1', { outcome: 'unknown', offsets: at(2) })],
      log: records('a@0'),
      groups: [{ ...group, committed: new Map([['t/0', 2]]), records: 'none' }],
    },
    {
      writes: [write('a@0', { offsets: at(1) }), write('b@1', { outcome: 'unknown', offsets: at(2) })],
      log: records('a@0'),
      groups: [{ ...group, committed: new Map([['t/0', 1]]), records: 'none' }],
    },
  ],
  [
    'read before commit',
    { writes: [write('a@0', { read: records('a@0') })], log: records('a@0') },
    { writes: [write('a@0'), write('b@1', { read: records('a@0') })], log: records('a@0 b@1') },
  ],
  [
    'circular',
    { writes: [write('a@0', { read: records('b@1') }), write('b@1', { read: records('a@0') })], log: log.slice(0, 2) },
    { writes: [write('a@0'), write('b@1', { read: records('a@0') })], log: log.slice(0, 2) },
  ],
  [
    'sent out of order',
    { writes: [write('b@1'), write('a@0')], log: log.slice(0, 2) },
    { writes: [write('b@1', { process: 'q' }), write('a@0')], log: log.slice(0, 2) },
  ],
  [
    'sent out of order',
    { writes: [write('b@1 a@0')], log: log.slice(0, 2) },
    { writes: [write('a@0 b@1')], log: log.slice(0, 2) },
  ],
  [
    'sent out of order',
    { writes: [write('b@1', { outcome: 'unknown', offsets: [] }), write('a@0')], log: log.slice(0, 2) },
    // The answer was lost, and a suspended broker appended it late.
    { writes: [write('b@1', { outcome: 'unknown' }), write('a@0')], log: log.slice(0, 2) },
  ],
  [
    'skipped',
    { writes: abc, log, readers: [reader(session('a@0 c@2'))] },
    // Between b and c there was what a transaction left: its marker, or records that it aborted.
    {
      writes: [write('a@0'), write('b@1'), write('c@5')],
      log: records('a@0 b@1 c@5'),
      readers: [reader(session('b@1 c@5', 1), session('a@0 b@1'))],
    },
  ],
  [
    'skipped',
    { writes: abc, log, readers: [reader(session('b@1 c@2', 0))] },
    { writes: abc, log, readers: [reader(session('b@1 c@2', 1))] },
  ],
  [
    'not monotonic',
    { writes: abc, log, readers: [reader(session('a@0 b@1 b@1'))] },
    { writes: abc, log, readers: [reader(session('a@0 b@1'), session('b@1', 1))] },
  ],
  [
    'not monotonic',
    { writes: abc, log, readers: [reader(session('a@0', 1))] },
    { writes: abc, log, readers: [reader(session('', 1))] },
  ],
  [
    'stale end',
    {
      writes: [write('a@0', { endedAt: 10 })],
      log: log.slice(0, 1),
      ends: [{ partition: 't/0', offset: 0, askedAt: 11 }],
    },
    {
      writes: [write('a@0', { endedAt: 10 })],
      log: log.slice(0, 1),
      ends: [
        { partition: 't/0', offset: 0, askedAt: 9 },
        { partition: 't/0', offset: 1, askedAt: 11 },
      ],
    },
  ],
  [
    'regressed',
    { commits: [seen(5, 0, 10), seen(4, 11, 12)] },
    { commits: [seen(5, 0, 10), seen(4, 9, 12), seen(5, 13, 14)] },
  ],
  [
    'skipped by a group',
    { writes: abc, log, groups: [{ ...group, records: records('a@0 c@2') }] },
    { writes: abc, log, groups: [{ ...group, records: records('a@0 b@1'), committed: new Map([['t/0', 2]]) }] },
  ],
  [
    'consumed twice',
    {
      writes: [write('a@0'), ...['b@1', 'c@2'].map(sent => write(sent, { read: records('a@0'), offsets: at(1) }))],
      log,
      groups: [{ group: 'g', records: 'in transactions', committed: new Map([['t/0', 1]]) }],
    },
    {
      writes: [
        write('a@0'),
        write('b@1', { read: records('a@0'), offsets: at(1), outcome: 'aborted' }),
        write('c@2', { read: records('a@0'), offsets: at(1) }),
      ],
      log: records('a@0 c@2'),
      groups: [{ group: 'g', records: 'in transactions', committed: new Map([['t/0', 1]]) }],
    },
  ],
  [
    'hole',
    { writes: [write('a@0'), write('b@2')], log: records('a@0 b@2'), dense: ['t/0'] },
    { writes: [write('a@0'), write('b@2')], log: records('a@0 b@2') },
  ],
]

describe('the checker of histories', () => {
  for (const [index, [kind, unsound, sound]] of cases.entries()) {
    it(`finds: ${kind} (${index})`, () => {
      assert.deepEqual(kindsIn(unsound), [kind])
      assert.deepEqual(kindsIn(sound), [])
    })
  }

  it('counts transactions whose writes are interleaved, which Kafka allows', () => {
    const writes = [write('a@0 c@2'), write('b@1 d@3', { process: 'q' })]
    const { anomalies, allowed } = checkHistory(history({ writes, log: records('a@0 b@1 c@2 d@3') }))
    assert.deepEqual(anomalies, [])
    assert.deepEqual(allowed, { interleaved: 1 })
    const apart = checkHistory(history({ writes, log: records('a@0 c@2 b@3 d@4') }))
    assert.deepEqual(apart.allowed, { interleaved: 0 })
  })

  it('finds cycles in graphs', () => {
    const graph = (...edges: [number, number[]][]) => new Map(edges.map(([from, to]) => [from, new Set(to)]))
    assert.deepEqual(cyclesIn(graph([1, [2]], [2, [3]], [4, [3]])), [])
    const found = cyclesIn(graph([1, [2]], [2, [3, 5]], [3, [4]], [4, [2]], [5, [6]], [6, [5]]))
    assert.deepEqual(
      found.map(cycle => new Set(cycle)),
      [new Set([5, 6]), new Set([2, 3, 4])],
    )
  })
})
