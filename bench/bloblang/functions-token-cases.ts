/** Signing and verifying JSON Web Tokens. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type FunctionCase, sentence, word } from './functions-samples.ts'

/** Keys are generated only for tokens that are `wanted`. */
export function tokenCases(wanted: (name: string) => boolean): readonly FunctionCase[] {
  return (['256', '384', '512'] as const).flatMap(size => webTokens(size, wanted))
}

function webTokens(size: '256' | '384' | '512', wanted: (name: string) => boolean): readonly FunctionCase[] {
  const cases: FunctionCase[] = []
  const isWanted = (kind: string) => wanted(`sign_jwt_${kind}${size}`) || wanted(`parse_jwt_${kind}${size}`)
  const claims = (n: number) => ({ sub: word(n), name: sentence(n), iat: 1_516_239_022 + n })
  const hash = `sha${size}`
  if (isWanted('hs')) {
    const signed = (text: string) => createHmac(hash, 'a-secret').update(text).digest()
    cases.push(...casesOf(`hs${size}`, 'a-secret', 'a-secret', claims, signed))
  }
  if (isWanted('es')) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: CURVES[size] })
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
    const signed = (text: string) => sign(hash, Buffer.from(text), key)
    cases.push(...casesOf(`es${size}`, pem(privateKey, 'sec1'), pem(publicKey, 'spki'), claims, signed))
  }
  if (isWanted('rs')) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signed = (text: string) => sign(hash, Buffer.from(text), privateKey)
    cases.push(...casesOf(`rs${size}`, pem(privateKey, 'pkcs1'), pem(publicKey, 'spki'), claims, signed))
  }
  return cases
}

const CURVES = { 256: 'P-256', 384: 'P-384', 512: 'P-521' } as const

function casesOf(
  name: string,
  secret: string,
  known: string,
  claims: (n: number) => object,
  signed: (text: string) => Buffer,
): readonly FunctionCase[] {
  const header = Buffer.from(JSON.stringify({ alg: name.toUpperCase(), typ: 'JWT' })).toString('base64url')
  const tokens = [0, 1, 2, 3].map(n => {
    const text = `${header}.${Buffer.from(JSON.stringify(claims(n))).toString('base64url')}`
    return `${text}.${signed(text).toString('base64url')}`
  })
  return [
    {
      name: `sign_jwt_${name}`,
      expression: `this.v.sign_jwt_${name}("""${secret}""")`,
      fields: n => ({ v: claims(n) }),
      varies: true,
      calls: 1,
    },
    {
      name: `parse_jwt_${name}`,
      expression: `this.v.parse_jwt_${name}("""${known}""")`,
      fields: n => ({ v: tokens[n % 4]! }),
      calls: 1,
    },
  ]
}

function pem(key: KeyObject, type: 'sec1' | 'spki' | 'pkcs1'): string {
  // A key of node:crypto, of any kind.
  return String((key as { export(options: object): unknown }).export({ type, format: 'pem' }))
}
