import type { Random } from '../base/index.ts'
import type { RelayAnswer, RelayQuestion } from './agent-link.ts'
import type { ApiRequest, ApiResponse, RelayedName } from './api-types.ts'
import { ControlError } from './errors.ts'
import { newId } from './ids.ts'

const answerTimeoutMs = 25_000
const maxOpenQuestions = 200

interface OpenQuestion {
  readonly agentId: string
  readonly settle: (answer: RelayAnswer) => void
}

/**
 * Carries questions about the cluster's data to an agent that polls this process, and carries the answers back. Neither
 * is stored: a user repeats a question that was lost with the process.
 */
export class Relay {
  readonly #random: Random
  readonly #wake: (agentId: string) => void
  readonly #waiting = new Map<string, RelayQuestion[]>()
  readonly #open = new Map<string, OpenQuestion>()

  /** `wake` is called when there is a question for an agent. */
  constructor(random: Random, wake: (agentId: string) => void) {
    this.#random = random
    this.#wake = wake
  }

  /** Asks an agent. Rejects with the agent's error, or with `no_agent_available` if it does not answer in time. */
  ask<Name extends RelayedName>(agentId: string, name: Name, request: ApiRequest<Name>): Promise<ApiResponse<Name>> {
    if (this.#open.size >= maxOpenQuestions)
      return Promise.reject(
        new ControlError('no_agent_available', 'too many questions are waiting for answers from agents'),
      )
    const id = newId('api', this.#random)
    const queue = this.#waiting.get(agentId) ?? []
    queue.push({ id, name, request } as unknown as RelayQuestion) // The pair is right by the signature.
    this.#waiting.set(agentId, queue)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(id)
        reject(
          new ControlError('no_agent_available', `the agent did not answer within ${answerTimeoutMs / 1000} seconds`),
        )
      }, answerTimeoutMs)
      const settle = (answer: RelayAnswer) => {
        clearTimeout(timer)
        this.#open.delete(id)
        // The answer has the type that belongs to the question.
        if (answer.ok) resolve(answer.response as ApiResponse<Name>)
        else reject(new ControlError(answer.error.code, answer.error.message))
      }
      this.#open.set(id, { agentId, settle })
      this.#wake(agentId)
    })
  }

  /** Removes and returns the questions that wait for this agent. */
  take(agentId: string): RelayQuestion[] {
    const questions = this.#waiting.get(agentId) ?? []
    this.#waiting.delete(agentId)
    return questions.filter(({ id }) => this.#open.has(id))
  }

  has(agentId: string): boolean {
    return this.#waiting.has(agentId)
  }

  answer(agentId: string, questionId: string, answer: RelayAnswer): void {
    const question = this.#open.get(questionId)
    if (question?.agentId === agentId) question.settle(answer)
  }

  /** The agent is gone: pending calls are rejected. */
  forget(agentId: string): void {
    this.#waiting.delete(agentId)
    const error = { code: 'no_agent_available', message: 'the agent went away before it answered' } as const
    for (const question of this.#open.values()) if (question.agentId === agentId) question.settle({ ok: false, error })
  }

  close(): void {
    for (const agentId of new Set([...this.#open.values()].map(question => question.agentId))) this.forget(agentId)
  }
}
