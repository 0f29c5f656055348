// AlterUserScramCredentials v0: sets and removes SCRAM passwords of users, each user with its own result (KIP-554).
//
// Behaviour: passwords arrive salted and hashed. A user who is named twice, even for different hashes, or
// whose change is invalid, is not modified.
import {
  ErrorCode,
  KafkaError,
  maxIterations,
  minIterations,
  type ScramHash,
  scramKeysOfSalted,
} from '../../kafka/index.ts'
import { type NewCredential, storedScramKeys } from '../../metadata/index.ts'
import { defineHandler, type RequestOf } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'
import { scramMechanisms } from '../security/credentials.ts'

type Request = RequestOf<'AlterUserScramCredentials'>
type Upsertion = Request['upsertions'][number]

export default defineHandler('AlterUserScramCredentials', {
  async handle(request, { access, broker }) {
    const users = new Set([...request.deletions, ...request.upsertions].map(({ name }) => name))
    const results = new Map<string, KafkaError | undefined>()
    for (const user of users) results.set(user, problemOf(user, request, allowsCluster(access, 'alter')))
    const isGood = ({ name }: { readonly name: string }) => results.get(name) === undefined
    for (const { name, mechanism } of request.deletions.filter(isGood)) {
      if (!(await broker.metadata.deleteScramKeys(name, hashOf(mechanism)))) {
        const message = `Attempt to delete a user credential that does not exist`
        results.set(name, new KafkaError(ErrorCode.RESOURCE_NOT_FOUND, message))
      }
    }
    const upsertions = request.upsertions.filter(isGood)
    if (upsertions.length > 0) await broker.metadata.putCredentials(upsertions.map(credentialOf))
    return {
      results: [...results].map(([user, error]) => ({
        user,
        errorCode: error?.code ?? ErrorCode.NONE,
        errorMessage: error?.message ?? null,
      })),
    }
  },
  failed: ({ deletions, upsertions }, errorCode) => ({
    results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map(user => ({ user, errorCode })),
  }),
})

function problemOf(user: string, { deletions, upsertions }: Request, mayAlter: boolean): KafkaError | undefined {
  if (!mayAlter) return new KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
  if (user === '') return new KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty')
  const own = [...deletions, ...upsertions].filter(({ name }) => name === user)
  if (own.some(({ mechanism }) => !scramMechanisms.some(each => each.mechanism === mechanism))) {
    return new KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism')
  }
  if (own.length > 1) {
    const message = 'A user credential cannot be altered twice in the same request'
    return new KafkaError(ErrorCode.DUPLICATE_RESOURCE, message)
  }
  const { iterations } = upsertions.find(each => each.name === user && !isAcceptable(each.iterations)) ?? {}
  if (iterations === undefined) return undefined
  const bound = iterations < minIterations ? 'few' : 'many'
  return new KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, `Too ${bound} iterations`)
}

function isAcceptable(iterations: number): boolean {
  return iterations >= minIterations && iterations <= maxIterations
}

function credentialOf({ name, mechanism, iterations, salt, saltedPassword }: Upsertion): NewCredential {
  const hash = hashOf(mechanism)
  const keys = storedScramKeys(scramKeysOfSalted(hash, saltedPassword, Buffer.from(salt), iterations))
  return {
    username: name,
    id: '',
    name: '',
    sha256: hash === 'sha256' ? keys : null,
    sha512: hash === 'sha512' ? keys : null,
    superuser: false,
    expiresAt: null,
  }
}

function hashOf(mechanism: number): ScramHash {
  return scramMechanisms.find(each => each.mechanism === mechanism)!.hash
}
