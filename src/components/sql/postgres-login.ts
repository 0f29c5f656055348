import type pg from 'pg'
import { asError } from '../../base/index.ts'
import type { Resources } from '../../engine/index.ts'
import { type DatabaseAddress, type Login, rdsLogin, secretLogin } from '../aws/database-login.ts'
import type { ConnectionConfig } from './connection.ts'

/** A login that is looked up for each connection, because tokens expire and secrets change. */
export interface CloudLogin {
  login(): Promise<Login>
  close(): Promise<void>
}

/** The login by AWS that a configuration asks for; undefined if the DSN has it. */
export function cloudLoginOf(
  config: ConnectionConfig,
  address: DatabaseAddress,
  resources: Resources,
): CloudLogin | undefined {
  const { secret_name: secretName = '', iam_enabled: isIam = false, credentials } = config
  const session = { region: config.region ?? '', endpoint: config.endpoint ?? '', credentials }
  if (isIam) return { login: rdsLogin(session, address, resources), close: () => Promise.resolve() }
  return secretName === '' ? undefined : secretLogin(session, secretName, resources)
}

/** A kind of client that looks up its login before it connects. */
export function signingIn(Client: typeof pg.Client, { login }: CloudLogin): typeof pg.Client {
  return class extends Client {
    /** Pools connect with a callback. */
    override connect(): Promise<pg.Client>
    override connect(callback: (error: Error) => void): void
    override connect(callback?: (error: Error) => void): Promise<pg.Client> | void {
      if (callback === undefined) throw new Error('a client of a pool connects with a callback')
      void this.#connect(callback)
    }

    async #connect(callback: (error: Error) => void): Promise<void> {
      try {
        const { user, password } = await login()
        // The client reads both from itself and from its parameters, which its types leave out.
        const { connectionParameters } = this as unknown as { readonly connectionParameters: { user: string } }
        this.password = password
        if (user !== undefined) this.user = connectionParameters.user = user
      } catch (error) {
        callback(asError(error))
        return
      }
      super.connect(callback)
    }
  }
}
