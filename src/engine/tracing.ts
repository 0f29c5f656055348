import type { Batch } from './batch.ts'
import { asRoot, type Message, rootOf } from './message.ts'

/** Follows the messages of a batch through a step that may regroup them, to tell where each result comes from. */
export class Tracing {
  /** The messages to pass to the step. */
  readonly messages: Batch
  readonly #places = new Map<Message, number>()
  readonly #batch: Batch

  constructor(batch: Batch) {
    this.#batch = batch
    this.messages = batch.map((message, index) => {
      const traced = asRoot(message)
      this.#places.set(traced, index)
      return traced
    })
  }

  /**
   * The results of the step in the order of their source messages; a result made from several is placed by the first.
   */
  inOrder(results: readonly Message[]): readonly Message[] {
    return results
      .map(result => ({ result, places: this.#placesOf(result) }))
      .toSorted((left, right) => left.places[0]! - right.places[0]!)
      .map(({ result, places }) => result.madeOf(places.map(place => this.#batch[place]!)))
  }

  /** Ascending. A message derived from none of the batch is placed last. */
  #placesOf(result: Message): readonly number[] {
    const root = rootOf(result)
    const places = [root].flat().flatMap(each => this.#places.get(each) ?? [])
    return places.length > 0 ? places.toSorted((left, right) => left - right) : [this.#batch.length - 1]
  }
}
