import type { Log } from '../../base/index.ts'
import { type InputHandle, isClosing } from '../component.ts'
import type { Delivery } from '../delivery.ts'
import { Backoff, pause } from './backoff.ts'
import { AdaptiveChain } from '../threads/adaptive-chain.ts'
import type { ErrorStrategy, ProcessorChain } from './chain.ts'
import { Limiter } from './limiter.ts'
import type { OutputLayer } from './output-layer.ts'
import { processDelivery, separated } from './tracker.ts'

export interface PipelineOptions {
  /** Batches processed concurrently if processors wait. */
  readonly threads: number
  readonly strategy: ErrorStrategy
  readonly log: Log
  readonly random: () => number
}

/** Runs batches in this thread, or in dedicated ones. */
export type PipelineChain = ProcessorChain | AdaptiveChain

/** Anything that batches are read from. */
export type Source = Pick<InputHandle, 'next'>

/**
 * Moves batches from the source through the processors to the output until the source ends. If no processor waits, this
 * waits only for the source and for room in the output.
 */
export async function runPipeline(
  source: Source,
  chain: PipelineChain,
  output: OutputLayer,
  options: PipelineOptions,
  signal: AbortSignal,
): Promise<void> {
  const limiter = new Limiter(concurrencyOf(chain, options.threads))
  // A strategy decides on each batch individually.
  const isSeparated = chain.waits || options.strategy !== 'none'
  const running = new Set<Promise<void>>()
  for (;;) {
    const delivery = await source.next(signal)
    if (delivery === null) break
    for (const part of isSeparated ? separated(delivery) : [delivery]) {
      await limiter.enter()
      const work = process(part, chain, output, options)
      if (!(work instanceof Promise)) {
        limiter.leave()
        continue
      }
      const tracked = work.finally(() => {
        limiter.leave()
        running.delete(tracked)
      })
      running.add(tracked)
      if (options.threads === 1) await tracked
    }
  }
  await Promise.all(running)
}

/** Number of deliveries processed concurrently: two per thread, so that a thread need not wait for its next one. */
function concurrencyOf(chain: PipelineChain, threads: number): number {
  if (chain instanceof AdaptiveChain) return threads * 2
  return chain.waits ? threads : 1
}

function process(
  delivery: Delivery,
  chain: PipelineChain,
  output: OutputLayer,
  options: PipelineOptions,
): void | Promise<void> {
  if (chain.length === 0) return output.accept(delivery)
  const results = processDelivery(
    chain,
    options.strategy === 'retry' ? retried(delivery, chain, output, options) : delivery,
  )
  if (results instanceof Promise) return results.then(deliveries => acceptAll(output, deliveries))
  if (results.length === 1) return output.accept(results[0]!)
  return acceptAll(output, results)
}

async function acceptAll(output: OutputLayer, deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) await output.accept(delivery)
}

/** A delivery that is processed again, after a pause, whenever it is rejected. */
function retried(delivery: Delivery, chain: PipelineChain, output: OutputLayer, options: PipelineOptions): Delivery {
  const backoff = new Backoff({ initialMs: 10, maxMs: 1000 }, options.random)
  const attempt: Delivery = delivery.like(delivery.messages, async (messages, error) => {
    if (error === null || isClosing(error)) return await delivery.settle(messages, error)
    await pause(backoff.next() ?? 1000)
    const results = await processDelivery(chain, attempt)
    await acceptAll(output, results)
  })
  return attempt
}
