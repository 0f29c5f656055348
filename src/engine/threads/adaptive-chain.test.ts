import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { nullLog } from '../../base/index.ts'
import { Message } from '../message.ts'
import { nullMetrics } from '../metrics.ts'
import { ProcessorChain } from '../runtime/chain.ts'
import { AdaptiveChain } from './adaptive-chain.ts'
import { type ChainThread, ChainThreads } from './chain-threads.ts'

/** A thread that never answers. */
class SilentThread extends EventEmitter implements ChainThread {
  calls = 0

  postMessage(): void {
    this.calls++
  }

  terminate(): Promise<unknown> {
    return Promise.resolve()
  }
}

test('the thread of the stream processes what the other threads have no room for, once per turn of its event loop', async () => {
  const texts: string[] = []
  const noted = new ProcessorChain([
    {
      process: batch => {
        texts.push(batch[0]!.text())
        return [batch]
      },
    },
  ])
  const thread = new SilentThread()
  let now = 0
  const threads = () => new ChainThreads({ count: 1, start: () => thread, log: nullLog, metrics: nullMetrics })
  const chain = new AdaptiveChain(noted, threads, () => (now += 1000))
  const run = (text: string) =>
    Promise.resolve(chain.run({ messages: [Message.fromText(text)], isRun: false }, () => assert.fail()))
  await run('expensive')
  thread.emit('message', { kind: 'ready' })
  await new Promise(resolve => {
    setImmediate(resolve)
  })
  const ended = [run('a'), run('b')].map(each => assert.rejects(each, /exited/))
  const here = [run('c'), run('d')]
  assert.equal(thread.calls, 2)
  assert.deepEqual(texts, ['expensive', 'c'])
  await Promise.all(here)
  assert.deepEqual(texts, ['expensive', 'c', 'd'])
  thread.emit('exit', 1)
  await Promise.all(ended)
  await chain.close()
})
