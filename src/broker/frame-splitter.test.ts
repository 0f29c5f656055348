import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FramePool } from './frame-pool.ts'
import { FrameSizeError, FrameSplitter } from './frame-splitter.ts'

const KIB = 1024
const MIB = 1024 * KIB

function setUp(pool = new FramePool()) {
  const frames: Buffer[] = []
  return { frames, pool, splitter: new FrameSplitter(100 * MIB, frame => frames.push(frame), pool) }
}

/** Bytes in which neighbours always differ. */
const pattern = (length: number, first = 0) =>
  Buffer.from(Uint8Array.from({ length }, (_, at) => (first + at * 7) % 251))

function framed(body: Buffer): Buffer {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeInt32BE(body.length)
  body.copy(frame, 4)
  return frame
}

describe('frames of a stream', () => {
  it('are extracted however the stream is split', () => {
    const bodies = [1, 3, 70 * KIB, 2, 40 * KIB].map((length, at) => pattern(length, at))
    const stream = Buffer.concat(bodies.map(framed))
    for (const step of [1, 5, 1000, 65_536, stream.length]) {
      const { frames, splitter } = setUp()
      for (let at = 0; at < stream.length; at += step) splitter.push(stream.subarray(at, at + step))
      assert.deepEqual(frames, bodies)
    }
  })

  it('can be read directly into their final memory', () => {
    const body = pattern(9 * MIB)
    const stream = Buffer.concat([framed(body), framed(pattern(10))])
    const { frames, splitter } = setUp()
    const elsewhere = Buffer.alloc(256 * KIB)
    let direct = 0
    for (let at = 0; at < stream.length; ) {
      const target = splitter.nextTarget()
      const into = target ?? elsewhere
      // A socket fills as much as happens to be available.
      const count = Math.min(into.length, 100_001, stream.length - at)
      stream.copy(into, 0, at, at + count)
      splitter.push(into.subarray(0, count))
      if (target !== undefined) direct += count
      at += count
    }
    assert.deepEqual(frames, [body, pattern(10)])
    assert.ok(direct > 8 * MIB)
  })

  it('reuse the memory of released frames', () => {
    const { frames, pool, splitter } = setUp()
    splitter.push(framed(pattern(100 * KIB)))
    const { buffer } = frames[0]!
    splitter.push(framed(pattern(100 * KIB)))
    assert.notEqual(frames[1]!.buffer, buffer)
    pool.giveBack(frames[0]!)
    splitter.push(framed(pattern(90 * KIB, 9)))
    assert.equal(frames[2]!.buffer, buffer)
    assert.deepEqual(frames[2], pattern(90 * KIB, 9))
    assert.deepEqual(frames[1], pattern(100 * KIB))
  })

  it('do not allocate much memory for an announced length', () => {
    const { splitter } = setUp()
    const length = Buffer.alloc(4)
    length.writeInt32BE(90 * MIB)
    splitter.push(length)
    assert.ok(splitter.nextTarget()!.buffer.byteLength <= 4 * MIB)
  })

  it('must have a valid length', () => {
    for (const size of [0, -1, 200 * MIB]) {
      const length = Buffer.alloc(4)
      length.writeInt32BE(size)
      assert.throws(() => setUp().splitter.push(length), FrameSizeError)
    }
  })
})

describe('the pool of frames', () => {
  it('takes back only frames that it handed out, except small ones', () => {
    const pool = new FramePool()
    pool.giveBack(Buffer.allocUnsafeSlow(64 * KIB))
    assert.equal(pool.hasSpare(64 * KIB), false)
    pool.giveBack(pool.take(100))
    const frame = pool.take(64 * KIB)
    assert.equal(frame.length, 64 * KIB)
    pool.giveBack(frame)
    assert.equal(pool.hasSpare(40 * KIB), true)
    assert.equal(pool.hasSpare(65 * KIB), false)
  })

  it('reuses larger memory rather than allocating, but not much larger', () => {
    const pool = new FramePool()
    const frame = pool.take(256 * KIB)
    pool.giveBack(frame)
    assert.equal(pool.hasSpare(64 * KIB), true)
    assert.equal(pool.hasSpare(32 * KIB), false)
    const smaller = pool.take(64 * KIB)
    assert.equal(smaller.buffer, frame.buffer)
    assert.equal(smaller.length, 64 * KIB)
    pool.giveBack(smaller)
    assert.equal(pool.take(256 * KIB).buffer, frame.buffer)
  })

  it('keeps a bounded amount of memory', () => {
    const pool = new FramePool()
    const frames = Array.from({ length: 10 }, () => pool.take(16 * MIB))
    for (const frame of frames) pool.giveBack(frame)
    for (let kept = 0; kept < 8; kept++) {
      assert.equal(pool.hasSpare(16 * MIB), true)
      pool.take(16 * MIB)
    }
    assert.equal(pool.hasSpare(16 * MIB), false)
  })
})
