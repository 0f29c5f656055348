import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesToLeave } from './reserve.ts'

describe('the reserve of a disk', () => {
  it('is left free by records', () => {
    assert.equal(bytesToLeave(64, 1000, undefined), 64)
    assert.equal(bytesToLeave(64, 10, undefined), 64)
  })

  it('is half available to work that frees space, once the disk is full for records', () => {
    assert.equal(bytesToLeave(64, 1000, 'freeing'), 64)
    assert.equal(bytesToLeave(64, 80, 'freeing'), 64)
    assert.equal(bytesToLeave(64, 79, 'freeing'), 32)
    assert.equal(bytesToLeave(64, 10, 'freeing'), 32)
  })

  it('is doubled for work that can wait', () => {
    assert.equal(bytesToLeave(64, 1000, 'deferrable'), 128)
    assert.equal(bytesToLeave(64, 10, 'deferrable'), 128)
  })
})
