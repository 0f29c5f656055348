import { connect, type Socket } from 'node:net'
import { type Api, readResponse, requestFrame } from '../../src/kafka/index.ts'

type AnyApi<Request, Response> = Pick<
  Api<unknown, Request, Response, never>,
  'name' | 'key' | 'flexibleFrom' | 'encodeRequest' | 'decodeResponse'
>

/** A minimal Kafka connection, so that the broker is what is measured: requests are pipelined as they come. */
export class WireClient {
  readonly #socket: Socket
  readonly #waiting: PromiseWithResolvers<Buffer>[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  #nextCorrelation = 1

  static open(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new WireClient(socket)))
      socket.once('error', reject)
    })
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  async call<Request, Response>(
    api: AnyApi<Request, Response>,
    apiVersion: number,
    request: Request,
  ): Promise<Response> {
    if (this.#socket.destroyed) throw new Error('the connection is closed')
    const header = { apiVersion, correlationId: this.#nextCorrelation++, clientId: 'bench' }
    const answered = Promise.withResolvers<Buffer>()
    this.#waiting.push(answered)
    this.#socket.cork()
    for (const buffer of requestFrame(api, header, request)) this.#socket.write(buffer)
    this.#socket.uncork()
    return readResponse(api, apiVersion, await answered.promise).response
  }

  close(): void {
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    for (const answered of this.#waiting.splice(0)) answered.reject(error)
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (;;) {
      if (this.#bytes < 4) return
      if (this.#chunks[0]!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)]
      const length = this.#chunks[0]!.readInt32BE(0)
      if (this.#bytes < length + 4) return
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      const rest = all.subarray(length + 4)
      this.#chunks = rest.length > 0 ? [rest] : []
      this.#bytes = rest.length
      this.#waiting.shift()!.resolve(all.subarray(4, length + 4))
    }
  }
}
