import assert from 'node:assert/strict'
import test from 'node:test'
import { complete } from './completion.ts'

const words = (...line: string[]) => complete(line).map(([word]) => word)

test('completes commands, their subcommands and the component kinds they accept', () => {
  assert.deepEqual(words('st'), ['standalone', 'streams'])
  assert.deepEqual(words('blobl', 's'), ['server'])
  assert.deepEqual(words('template', ''), ['lint'])
  assert.deepEqual(words('list', 'in'), ['inputs'])
  assert.deepEqual(words('completion', ''), ['bash', 'zsh', 'fish'])
})

test('completes the flags of the command, in its own style', () => {
  assert.deepEqual(words('playground', '-kafkaPo'), ['-kafkaPort'])
  assert.deepEqual(words('playground', '--kafkaPo'), ['--kafkaPort'])
  assert.deepEqual(words('lint', '--dep'), ['--deprecated'])
  assert.deepEqual(words('--conf'), ['--config'])
  assert.deepEqual(words('blobl', 'server', '--in'), ['--input-file'])
})

test('completes a value with paths or choices, even after a flag before the command', () => {
  assert.deepEqual(words('-c', ''), [':paths'])
  assert.deepEqual(words('run', ''), [':paths'])
  assert.deepEqual(words('list', '--format', ''), ['text', 'json', 'json-full', 'json-full-scrubbed', 'cue'])
  assert.deepEqual(words('-c', 'list', 'lin'), ['lint'])
  assert.deepEqual(words('standalone', '-dataDir', ''), [':paths'])
  assert.deepEqual(words('playground', '-kafkaPort', ''), [])
})
