import { messageOf } from '../../base/index.ts'
import { StorageError } from '../errors.ts'
import type { S3Credentials } from './sign.ts'

interface Expiring extends S3Credentials {
  readonly expiration?: Date | undefined
}

/** How long before expiry credentials are renewed, in milliseconds. */
const RENEW_BEFORE_MS = 5 * 60 * 1000

/**
 * Source of credentials for the requests of an S3 store: the environment, shared files and profiles, web
 * identity, containers and instances, in the order of the AWS SDK, whose code finds them. If `assumeRoleArn`
 * is given, that role is assumed with them.
 */
export class CredentialSource {
  readonly #options: { readonly profile?: string | undefined; readonly assumeRoleArn?: string | undefined }
  #current: Expiring | undefined
  #loading: Promise<Expiring> | undefined
  #provider: (() => Promise<Expiring>) | undefined

  constructor(options: { readonly profile?: string | undefined; readonly assumeRoleArn?: string | undefined }) {
    this.#options = options
  }

  /** The current credentials. Throws `failed` if none are found. */
  get(): Expiring | Promise<Expiring> {
    const current = this.#current
    if (current === undefined) return this.#load()
    const leftMs = current.expiration === undefined ? Infinity : current.expiration.getTime() - Date.now()
    if (leftMs > RENEW_BEFORE_MS) return current
    const renewed = this.#load()
    if (leftMs <= 0) return renewed
    // Valid credentials stay in use during renewal; if it fails, the next request tries again.
    renewed.catch(() => undefined)
    return current
  }

  /** Makes the next request reload the credentials. */
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
