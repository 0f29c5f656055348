import assert from 'node:assert/strict'
import test from 'node:test'
import { complete } from './completion.ts'

const words = (...line: string[]) => complete(line).map(([word]) => word)

test('commands, their subcommands and the kinds that they take are completed', () => {
  assert.deepEqual(words('st'), ['standalone', 'streams'])
  assert.deepEqual(words('blobl', 's'), ['server'])
  assert.deepEqual(words('template', ''), ['lint'])
  assert.deepEqual(words('list', 'in'), ['inputs'])
  assert.deepEqual(words('completion', ''), ['bash', 'zsh', 'fish'])
})

test('flags are those of the command, in its own style', () => {
  assert.deepEqual(words('playground', '-kafkaPo'), ['-kafkaPort'])
  assert.deepEqual(words('playground', '--kafkaPo'), ['--kafkaPort'])
  assert.deepEqual(words('lint', '--dep'), ['--deprecated'])
  assert.deepEqual(words('--conf'), ['--config'])
  assert.deepEqual(words('blobl', 'server', '--in'), ['--input-file'])
})

test('a value is a path or one of the choices, and a flag before the command does not hide it', () => {
  assert.deepEqual(words('-c', ''), [':paths'])
  assert.deepEqual(words('run', ''), [':paths'])
  assert.deepEqual(words('list', '--format', ''), ['text', 'json'])
  assert.deepEqual(words('-c', 'list', 'lin'), ['lint'])
  assert.deepEqual(words('standalone', '-dataDir', ''), [':paths'])
  assert.deepEqual(words('playground', '-kafkaPort', ''), [])
})
