import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import { asError } from '../../base/index.ts'
import { HttpTransport, pause, type TracerResources } from '../../engine/index.ts'

const timeoutMs = 10_000
/** Statuses that the specification declares retryable. */
const retryable = [429, 502, 503, 504]
const pausesMs = [500, 1000, 2000]

/** Exports spans by OTLP over HTTP, as protobuf. */
export class OtlpHttpExporter implements SpanExporter {
  readonly #url: string
  readonly #transport: HttpTransport
  readonly #closing = new AbortController()
  readonly #sending = new Set<Promise<void>>()

  constructor(address: string, isSecure: boolean, { host }: TracerResources) {
    this.#url = `${isSecure ? 'https' : 'http'}://${address}/v1/traces`
    this.#transport = new HttpTransport({ sockets: host.network, environment: host.network.proxyVariables })
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const sending = this.#send(spans).then(
      () => done({ code: 0 }),
      (error: unknown) => done({ code: 1, error: asError(error) }),
    )
    this.#sending.add(sending)
    void sending.finally(() => this.#sending.delete(sending))
  }

  async forceFlush(): Promise<void> {
    await Promise.all(this.#sending)
  }

  async shutdown(): Promise<void> {
    this.#closing.abort()
    await this.forceFlush()
    await this.#transport.close()
  }

  async #send(spans: ReadableSpan[]): Promise<void> {
    const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer')
    const body = ProtobufTraceSerializer.serializeRequest(spans)
    const headers = { 'Content-Type': 'application/x-protobuf' }
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#transport.request(this.#url, { method: 'POST', headers, body, timeoutMs })
      answer.body.on('error', () => undefined).resume()
      if (answer.statusCode >= 200 && answer.statusCode < 300) return
      const waitMs = pausesMs[attempt]
      if (waitMs === undefined || !retryable.includes(answer.statusCode) || this.#closing.signal.aborted) {
        throw new Error(`${this.#url} answered ${answer.statusCode} ${answer.statusText}`)
      }
      await pause(waitMs, this.#closing.signal)
    }
  }
}
