// Outputs that forward messages which each form their own batch, such as the lines of a file.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Batch, Message } from '../../engine/index.ts'
import { runCollecting } from '../collecting.suite.ts'
import { joined } from './forwarding.ts'

const LINES = 2500
let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-forwarding-'))
  writeFileSync(join(folder, 'in'), Array.from({ length: LINES }, (_, at) => `{"n":${at}}\n`).join(''))
})
after(() => rmSync(folder, { recursive: true }))

/** Returns what arrived, by the names of the outputs (`collect` names itself in its messages' metadata). */
async function run(output: string, accept: (batch: Batch) => void = () => undefined): Promise<Map<string, number[]>> {
  const arrived = new Map<string, number[]>()
  await runCollecting(`input: { file: { paths: [ '${join(folder, 'in')}' ] } }\noutput:\n${output}`, batch => {
    accept(batch)
    for (const message of batch) {
      const name = String(message.metadata.get('to'))
      const list = arrived.get(name) ?? []
      arrived.set(name, list)
      list.push(JSON.parse(message.text()).n)
    }
  })
  return arrived
}

const to = (name: string) => `{ collect: {}, processors: [ { mapping: 'meta to = "${name}"' } ] }`

const numbers = (test: (n: number) => boolean) => Array.from({ length: LINES }, (_, at) => at).filter(test)

test('a switch sends each message to its cases, in order', async () => {
  const arrived = await run(`  switch:
    cases:
      - { check: 'this.n % 3 == 0', continue: true, output: ${to('thirds')} }
      - { check: 'this.n % 2 == 0', output: ${to('even')} }
      - { check: 'this.n > 1000', output: ${to('large')} }
`)
  assert.deepEqual(
    arrived.get('thirds'),
    numbers(n => n % 3 === 0),
  )
  assert.deepEqual(
    arrived.get('even'),
    numbers(n => n % 2 === 0),
  )
  assert.deepEqual(
    arrived.get('large'),
    numbers(n => n % 2 === 1 && n > 1000),
  )
})

test('a message sent to two cases is acknowledged once both have delivered it', async () => {
  let refused = false
  const arrived = await run(
    `  switch:
    cases:
      - { check: 'this.n == 7', continue: true, output: ${to('first')} }
      - { output: ${to('second')} }
`,
    ([message]) => {
      if (refused || message!.metadata.get('to') !== 'second' || message!.text() !== '{"n":7}') return
      refused = true
      throw new Error('busy')
    },
  )
  // It is redelivered as a whole.
  assert.deepEqual(arrived.get('first'), [7, 7])
  assert.deepEqual(
    arrived.get('second')!.toSorted((a, b) => a - b),
    numbers(() => true),
  )
})

test('several outcomes of a message become one: the first failure, or success', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map(text => Message.fromText(text))
  const answers: string[] = []
  const answer = joined(
    (messages, error) => void answers.push(`${messages.map(each => each.text()).join('+')}: ${error?.message}`),
    message => (message === c ? 1 : 2),
  )
  await answer([a!], new Error('first'))
  await answer([a!, b!, c!], null)
  assert.deepEqual(answers, ['a: first', 'c: undefined'])
  await answer([b!], null)
  assert.deepEqual(answers.slice(2), ['b: undefined'])
})

test('round robin distributes messages evenly among the outputs', async () => {
  const arrived = await run(`  broker:
    pattern: round_robin
    outputs: [ ${to('a')}, ${to('b')}, ${to('c')} ]
`)
  for (const [at, name] of ['a', 'b', 'c'].entries()) {
    assert.deepEqual(
      arrived.get(name),
      numbers(n => n % 3 === at),
    )
  }
})

test('in a sequence the second output receives messages after the first has delivered them', async () => {
  const arrived = await run(
    `  fallback:
    - broker: { pattern: fan_out_sequential_fail_fast, outputs: [ ${to('a')}, ${to('b')} ] }
    - ${to('rest')}
`,
    ([message]) => {
      if (message!.metadata.get('to') === 'a' && message!.text() === '{"n":11}') throw new Error('no')
    },
  )
  assert.deepEqual(
    arrived.get('a'),
    numbers(n => n !== 11),
  )
  assert.deepEqual(
    arrived.get('b'),
    numbers(n => n !== 11),
  )
  assert.deepEqual(arrived.get('rest'), [11])
})

test('a message being retried does not delay the outcomes of others', async () => {
  let attempts = 0
  const arrived = await run(
    `  retry: { backoff: { initial_interval: 1ms, max_interval: 1ms }, output: ${to('out')} }
`,
    ([message]) => {
      if (message!.text() === '{"n":5}' && ++attempts < 3) throw new Error('busy')
    },
  )
  assert.equal(attempts, 3)
  assert.deepEqual(
    arrived.get('out')!.toSorted((a, b) => a - b),
    numbers(() => true),
  )
})
