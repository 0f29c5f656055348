import type { ApiName, ApiRequest, ApiResponse } from '../api-types.ts'
import type { ControlPlane } from '../control-plane.ts'
import { ControlError } from '../errors.ts'

/** One endpoint of the API: how its request is read and what answers it. */
export interface EndpointHandler<Name extends ApiName> {
  /** Checks what came; throws `invalid_request` for what cannot be. */
  readonly read: (body: Body) => ApiRequest<Name>
  readonly answer: (plane: ControlPlane, request: ApiRequest<Name>) => Promise<ApiResponse<Name>>
}

/** Some of the endpoints, by name. */
export type Endpoints<Names extends ApiName> = { readonly [Name in Names]: EndpointHandler<Name> }

/** Reads the fields of a request's body one by one. */
export class Body {
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ControlError('invalid_request', 'the body has to be a JSON object')
    this.#fields = value as Readonly<Record<string, unknown>>
  }

  /** Text that has to be there. */
  text(name: string): string {
    const value = this.optionalText(name)
    if (value === undefined) throw new ControlError('invalid_request', `${name} is missing`)
    return value
  }

  optionalText(name: string): string | undefined {
    const value = this.#fields[name] ?? undefined
    if (value === undefined || typeof value === 'string') return value
    throw new ControlError('invalid_request', `${name} has to be text`)
  }

  /** A whole number within bounds, or undefined where there is none. */
  optionalInteger(name: string, min: number, max: number): number | undefined {
    const value = this.#fields[name] ?? undefined
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new ControlError('invalid_request', `${name} has to be a whole number from ${min} to ${max}`)
  }

  integer(name: string, min: number, max: number): number {
    const value = this.optionalInteger(name, min, max)
    if (value === undefined) throw new ControlError('invalid_request', `${name} is missing`)
    return value
  }

  optionalOneOf<const Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.optionalText(name)
    if (value === undefined) return undefined
    const choice = choices.find(candidate => candidate === value)
    if (choice !== undefined) return choice
    const list = choices.map(candidate => JSON.stringify(candidate)).join(' or ')
    throw new ControlError('invalid_request', `${name} has to be ${list}, not ${JSON.stringify(value)}`)
  }

  /** An object of texts, or undefined where there is none. */
  optionalTexts(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.#fields[name] ?? undefined
    if (value === undefined) return undefined
    const isTexts =
      typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(item => typeof item === 'string')
    if (isTexts) return value as Readonly<Record<string, string>>
    throw new ControlError('invalid_request', `${name} has to be an object whose values are text`)
  }

  /** An object of texts and nulls, or undefined where there is none. */
  optionalTextsOrNulls(name: string): Readonly<Record<string, string | null>> | undefined {
    const value = this.#fields[name] ?? undefined
    if (value === undefined) return undefined
    const fits =
      typeof value === 'object' &&
      !Array.isArray(value) &&
      Object.values(value).every(item => item === null || typeof item === 'string')
    if (fits) return value as Readonly<Record<string, string | null>>
    throw new ControlError('invalid_request', `${name} has to be an object whose values are text or null`)
  }

  /** The body of an object, or undefined where there is none. */
  optionalObject(name: string): Body | undefined {
    const value = this.#fields[name] ?? undefined
    if (value === undefined) return undefined
    if (typeof value === 'object' && !Array.isArray(value)) return new Body(value)
    throw new ControlError('invalid_request', `${name} has to be an object`)
  }

  /** The bodies of a list, or undefined where there is none. */
  optionalList(name: string): Body[] | undefined {
    const value = this.#fields[name] ?? undefined
    if (value === undefined) return undefined
    if (Array.isArray(value)) return value.map(item => new Body(item))
    throw new ControlError('invalid_request', `${name} has to be a list`)
  }
}

export const readNothing = (): Readonly<Record<string, never>> => ({})
export const readCluster = (body: Body) => ({ virtual_cluster_id: body.text('virtual_cluster_id') })
