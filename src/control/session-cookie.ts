import type { FastifyReply, FastifyRequest } from 'fastify'

/** The cookie that carries a browser's session. */
export class SessionCookie {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request
    this.#reply = reply
  }

  /** The session's secret; undefined if the browser sent none. */
  get secret(): string | undefined {
    const cookies = (this.#request.headers.cookie ?? '').split(';').map(cookie => cookie.trim())
    const prefix = `${this.#name}=`
    const value = cookies.find(cookie => cookie.startsWith(prefix))?.slice(prefix.length)
    return value === '' ? undefined : value
  }

  set(secret: string, maxAgeMs: number): void {
    const attributes = `Path=/; Max-Age=${Math.floor(maxAgeMs / 1000)}; HttpOnly; SameSite=Strict`
    this.#reply.header('set-cookie', `${this.#name}=${secret}; ${attributes}`)
  }

  clear(): void {
    this.set('', 0)
  }

  // Cookies are not separated by port: without it in the name, two playgrounds on one host would sign each other out.
  get #name(): string {
    return `penstock_session_${this.#request.socket.localPort}`
  }
}
