import { messageOf } from '../../base/index.ts'
import { StorageError } from '../errors.ts'
import type { S3Credentials } from './sign.ts'

interface Expiring extends S3Credentials {
  readonly expiration?: Date | undefined
}

/** Credentials are renewed this long before they expire. */
const RENEW_BEFORE_MS = 5 * 60 * 1000

/**
 * Where the requests of an S3 store get their credentials: the environment, shared files and profiles, web identity,
 * containers and instances, in the order of the AWS SDK, whose code finds them. `assumeRoleArn` is assumed on top.
 */
export class CredentialSource {
  readonly #options: { readonly profile?: string | undefined; readonly assumeRoleArn?: string | undefined }
  #current: Expiring | undefined
  #loading: Promise<Expiring> | undefined
  #provider: (() => Promise<Expiring>) | undefined

  constructor(options: { readonly profile?: string | undefined; readonly assumeRoleArn?: string | undefined }) {
    this.#options = options
  }

  /** The credentials of this moment. Throws `failed` where none are to be found. */
  get(): Expiring | Promise<Expiring> {
    const current = this.#current
    if (current === undefined) return this.#load()
    const leftMs = current.expiration === undefined ? Infinity : current.expiration.getTime() - Date.now()
    if (leftMs > RENEW_BEFORE_MS) return current
    const renewed = this.#load()
    if (leftMs <= 0) return renewed
    // What still holds is used on while it is renewed, and a renewal that fails is tried again by the next request.
    renewed.catch(() => undefined)
    return current
  }

  /** Has the next request load credentials again. */
  forget(): void {
    this.#current = undefined
    this.#provider = undefined
  }

  #load(): Promise<Expiring> {
    this.#loading ??= this.#find()
      .then(found => (this.#current = found))
      .finally(() => {
        this.#loading = undefined
      })
    return this.#loading
  }

  async #find(): Promise<Expiring> {
    const { profile, assumeRoleArn } = this.#options
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
    if (profile === undefined && assumeRoleArn === undefined && AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
      return {
        accessKeyId: AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_SECRET_ACCESS_KEY,
        sessionToken: AWS_SESSION_TOKEN || undefined,
      }
    }
    try {
      this.#provider ??= await makeProvider(profile, assumeRoleArn)
      return await this.#provider()
    } catch (cause) {
      throw new StorageError(
        'failed',
        `no AWS credentials were found (environment, shared files, web identity, container, instance): ${messageOf(cause)}`,
        { cause },
      )
    }
  }
}

async function makeProvider(
  profile: string | undefined,
  roleArn: string | undefined,
): Promise<() => Promise<Expiring>> {
  const { fromNodeProviderChain, fromTemporaryCredentials } = (await import('@aws-sdk/credential-providers')).default
  const chain = fromNodeProviderChain(profile === undefined ? {} : { profile })
  if (roleArn === undefined) return chain
  return fromTemporaryCredentials({
    masterCredentials: chain,
    params: { RoleArn: roleArn, RoleSessionName: 'penstock' },
  })
}
