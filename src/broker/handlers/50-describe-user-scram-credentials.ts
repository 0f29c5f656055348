// DescribeUserScramCredentials v0: the SCRAM hashes stored for users, with their numbers of iterations (KIP-554).
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import type { StoredCredential } from '../../metadata/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'
import { scramMechanisms } from '../security/credentials.ts'

type Result = ResponseOf<'DescribeUserScramCredentials'>['results'][number]

export default defineHandler('DescribeUserScramCredentials', {
  async handle({ users }, { access, broker }) {
    if (!allowsCluster(access, 'describe')) {
      const errorCode = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      return { errorCode, errorMessage: errorMessage(errorCode), results: [] }
    }
    const known = await broker.metadata.credentials()
    if (users === null || users.length === 0) return { results: known.map(describe) }
    const byName = new Map(known.map(credential => [credential.username, credential]))
    const counts = new Map<string, number>()
    for (const { name } of users) counts.set(name, (counts.get(name) ?? 0) + 1)
    return { results: [...counts].map(([name, count]) => describeNamed(name, count, byName.get(name))) }
  },
  failed: (_request, errorCode) => ({ errorCode, results: [] }),
})

function describeNamed(user: string, count: number, credential: StoredCredential | undefined): Result {
  if (count > 1) {
    return failed(
      user,
      ErrorCode.DUPLICATE_RESOURCE,
      `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
    )
  }
  if (credential === undefined) {
    return failed(
      user,
      ErrorCode.RESOURCE_NOT_FOUND,
      `Attempt to describe a user credential that does not exist: ${user}`,
    )
  }
  return describe(credential)
}

function describe(credential: StoredCredential): Result {
  const credentialInfos = scramMechanisms.flatMap(({ hash, mechanism }) => {
    const keys = credential[hash]
    return keys === null ? [] : [{ mechanism, iterations: keys.iterations }]
  })
  return { user: credential.username, errorCode: ErrorCode.NONE, errorMessage: null, credentialInfos }
}

function failed(user: string, errorCode: ErrorCode, message: string): Result {
  return { user, errorCode, errorMessage: message, credentialInfos: [] }
}
