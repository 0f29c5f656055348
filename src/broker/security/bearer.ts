import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { TokenCheck } from './sasl.ts'

export interface BearerSettings {
  /** The URL of a JSON Web Key Set, or the set itself. Kafka's sasl.oauthbearer.jwks.endpoint.url. */
  readonly keys: URL | JSONWebKeySet
  readonly audience?: readonly string[]
  readonly issuer?: string
  /** The claim that names the principal; defaults to `sub`. */
  readonly principalClaim?: string
}

/** Checks tokens against a key set, which is fetched again when a token names an unknown key. */
export function bearerCheck({ keys, audience, issuer, principalClaim = 'sub' }: BearerSettings): TokenCheck {
  const keySet = keys instanceof URL ? createRemoteJWKSet(keys) : createLocalJWKSet(keys)
  return async token => {
    const { payload } = await jwtVerify(token, keySet, {
      ...(audience === undefined ? {} : { audience: [...audience] }),
      ...(issuer === undefined ? {} : { issuer }),
      clockTolerance: 30,
      requiredClaims: ['exp'],
    })
    const principal = payload[principalClaim]
    if (typeof principal !== 'string' || principal === '') throw new Error(`the token has no claim ${principalClaim}`)
    return { principal, expiresAt: payload.exp! * 1000 }
  }
}
