/** Two definitions for the eighteen JSON Web Token methods of nine algorithms. */
import { WrongTypeError } from '../../errors.ts'
import type { MethodSpec } from '../../stdlib/spec.ts'
import { isObject } from '../../value.ts'
import { type JwtAlgorithm, jwtParser, jwtSigner } from './jwt.ts'
import { getString } from '../../data/coerce.ts'

/** `sign_jwt_…`: turns an object into a signed token. */
export function signJwt(algorithm: JwtAlgorithm): MethodSpec {
  return {
    name: `sign_jwt_${algorithm.toLowerCase()}`,
    categories: ['JSON Web Tokens'],
    status: 'stable',
    description: `Signs an object of claims as a JSON Web Token with ${algorithm}.`,
    params: [{ name: 'signing_secret', type: 'string', description: `The ${secretOf(algorithm, 'private')}.` }],
    examples: algorithm.startsWith('HS') ? [roundTrip(algorithm)] : [],
    bareErrors: true,
    create: ([secret]) => {
      const sign = jwtSigner(algorithm, secret as string) // for these algorithms the parameter accepts only text
      return target => {
        if (!isObject(target)) throw new WrongTypeError(['object'], target)
        return sign(target)
      }
    },
  }
}

/** `parse_jwt_…`: verifies a token and returns its claims as an object. */
export function parseJwt(algorithm: JwtAlgorithm): MethodSpec {
  return {
    name: `parse_jwt_${algorithm.toLowerCase()}`,
    categories: ['JSON Web Tokens'],
    status: 'stable',
    description:
      `Verifies the signature of a JSON Web Token signed with ${algorithm} and returns its claims as an object. ` +
      'A token that has expired (`exp`) or is not yet valid (`nbf`) is an error; other claims are not checked.',
    params: [{ name: 'signing_secret', type: 'string', description: `The ${secretOf(algorithm, 'public')}.` }],
    examples: algorithm.startsWith('HS') ? [roundTrip(algorithm)] : [],
    bareErrors: true,
    create: ([secret], host) => {
      // For these algorithms the parameter accepts only text.
      const parse = jwtParser(algorithm, secret as string, () => host.now())
      return target => parse(getString(target))
    },
  }
}

function secretOf(algorithm: JwtAlgorithm, kind: 'private' | 'public'): string {
  return algorithm.startsWith('HS') ? 'shared secret' : `${kind} key, as PEM`
}

function roundTrip(algorithm: JwtAlgorithm): MethodSpec['examples'][number] {
  const name = algorithm.toLowerCase()
  const mapping = `root = this.sign_jwt_${name}("dont-tell-anyone").parse_jwt_${name}("dont-tell-anyone")`
  return [mapping, '{"sub":"user123"}', '{"sub":"user123"}']
}
