import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostPort, reachableHost } from './address.ts'

test('brackets separate an IPv6 address from its port', () => {
  assert.equal(hostPort('::1', 8080), '[::1]:8080')
  assert.equal(hostPort('127.0.0.1', 8080), '127.0.0.1:8080')
  assert.equal(hostPort('broker.example', 9092), 'broker.example:9092')
})

test('a wildcard address is reached through loopback', () => {
  assert.equal(reachableHost('0.0.0.0'), '127.0.0.1')
  assert.equal(reachableHost('::'), '127.0.0.1')
  assert.equal(reachableHost('::1'), '::1')
})
