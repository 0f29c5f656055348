import { CapabilityError, codeOf, fieldsOf } from '../../base/index.ts'
import {
  addressOfUrl,
  ConfigError,
  type ComponentHost,
  field,
  type Field,
  type FieldMap,
  type Infer,
  type Need,
  type Resources,
} from '../../engine/index.ts'

const KEY_FILE_VARIABLE = 'GOOGLE_APPLICATION_CREDENTIALS'
const PROJECT_VARIABLE = 'GOOGLE_CLOUD_PROJECT'

/**
 * Fields that all Google Cloud components have in addition to the original's, which only supports the credentials of
 * the machine.
 */
export const credentialsFields = {
  credentials_json: field
    .string('The key of a service account as JSON, instead of the credentials of the machine.')
    .default('')
    .advanced()
    .secret(),
} as const

/** Documentation shared by the Google Cloud components. */
export const credentialsHelp = `Without \`credentials_json\`, which is an addition of ours, Google's application default credentials are searched: the file named by \`${KEY_FILE_VARIABLE}\`, that of \`gcloud auth application-default login\`, and the service account of the machine. Managed pipelines use \`credentials_json\`, or the capabilities granted to them. No credentials are sent to an \`endpoint\` that begins with \`http://\`, such as an emulator.`

/**
 * The fields of a Google Cloud component. The credentials of the machine need its environment and files; a key in the
 * configuration needs neither, nor does an endpoint that receives no credentials, such as an emulator.
 */
export function gcpConfig<const F extends FieldMap>(
  fields: F,
  isAnonymous: (endpoint: string) => boolean = isPlain,
): Field<Infer<F>> {
  const needs = (value: unknown) => needsOfSession(fieldsOf(value), isAnonymous)
  return field.object(fields).needsWhen(['environment', 'files'], needs)
}

/** A session as configured, before defaults. */
interface WrittenSession {
  readonly credentials_json?: unknown
  readonly endpoint?: unknown
}

function needsOfSession(
  { credentials_json: key = '', endpoint = '' }: WrittenSession,
  isAnonymous: (endpoint: string) => boolean,
): readonly Need[] {
  if (key !== '' || isAnonymous(String(endpoint))) return []
  return [{ capability: 'environment', target: KEY_FILE_VARIABLE }, { capability: 'files' }]
}

/** Whether an endpoint is used without TLS, and therefore without credentials. */
export const isPlain = (endpoint: string): boolean => endpoint.startsWith('http://')

/** The `host:port` of an endpoint with or without a scheme, for the network filter. */
export function addressOfEndpoint(endpoint: unknown): string | undefined {
  if (typeof endpoint !== 'string' || endpoint === '') return undefined
  return addressOfUrl(/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`)
}

/** A key in the format of Google's console and tools. */
export type CredentialsDocument = Readonly<Record<string, unknown>> & { readonly type?: string }

/** The source of a component's credentials. */
export class GcpSession {
  readonly #host: ComponentHost
  readonly #explicit: CredentialsDocument | undefined

  /** Throws {@link ConfigError} for an invalid key. */
  constructor({ credentials_json: text }: Infer<typeof credentialsFields>, { host }: Pick<Resources, 'host'>) {
    this.#host = host
    if (text !== '') this.#explicit = this.#checked(text, 'credentials_json')
  }

  /**
   * The document to authenticate with; undefined if the vendor's library is to search for credentials itself, which is
   * allowed only where everything is granted.
   */
  async credentials(): Promise<CredentialsDocument | undefined> {
    if (this.#explicit !== undefined) return this.#explicit
    const { env, files } = this.#host
    try {
      const named = env(KEY_FILE_VARIABLE)
      if (named) return this.#checked((await files.readFile(named)).toString('utf8'), named)
      const path = `${env('CLOUDSDK_CONFIG') || `${env('HOME') || '~'}/.config/gcloud`}/application_default_credentials.json`
      return this.#checked((await files.readFile(path)).toString('utf8'), path)
    } catch (error) {
      if (error instanceof CapabilityError) {
        throw new Error(`no Google credentials: set credentials_json. ${error.message}`, { cause: error })
      }
      if (codeOf(error) !== 'ENOENT' || env(KEY_FILE_VARIABLE)) throw error
    }
    if (this.#host.refusal !== undefined) throw new Error('no Google credentials were found: set credentials_json')
    return undefined
  }

  /** The project of the environment, otherwise that of the credentials. Throws if there is none. */
  async project(): Promise<string> {
    const found = this.#host.env(PROJECT_VARIABLE) || (await this.credentials())?.['project_id']
    if (typeof found === 'string' && found !== '') return found
    throw new Error(`a project is required, but was not found: set project, or the variable ${PROJECT_VARIABLE}`)
  }

  #checked(text: string, source: string): CredentialsDocument {
    let document: unknown
    try {
      document = JSON.parse(text)
    } catch {
      // The parser's message quotes the text, which is a secret.
      throw new ConfigError(`${source} is not JSON`)
    }
    if (typeof document !== 'object' || document === null || Array.isArray(document)) {
      throw new ConfigError(`${source} is not a service account key; expected an object with type, client_email, …`)
    }
    const { type } = fieldsOf(document)
    // Other types name files to read and programs to run, which the vendor's library accesses directly.
    if (this.#host.refusal !== undefined && type !== 'service_account' && type !== 'authorized_user') {
      throw new ConfigError(
        `${source} is of the type ${String(type)}; managed pipelines take service_account and authorized_user`,
      )
    }
    return document as CredentialsDocument // checked to be an object; the library reads its fields
  }
}
