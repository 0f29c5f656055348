// UpdateFeatures v0–v2: feature levels are fixed by the program, so only the current ones are accepted (KIP-584).
//
// Behaviour: a request with one invalid update changes nothing, and gets a single answer. v1 a type of upgrade.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import { featuresOf } from '../features.ts'
import { defineHandler, type RequestOf } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

type Update = RequestOf<'UpdateFeatures'>['featureUpdates'][number]

const upgradeTypes = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

export default defineHandler('UpdateFeatures', {
  handle({ featureUpdates }, { access, broker }) {
    if (!allowsCluster(access, 'alter')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, errorMessage: null, results: [] }
    }
    const levels = new Map(featuresOf(broker.handlers).map(({ name, level }) => [name, level]))
    const results = featureUpdates.map(update => ({ feature: update.feature, ...problemOf(update, levels) }))
    const problem = results.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
    if (problem !== undefined) return { errorCode: problem.errorCode, errorMessage: problem.errorMessage, results: [] }
    return { errorCode: ErrorCode.NONE, errorMessage: null, results }
  },
  failed: (_request, errorCode) => ({ errorCode, results: [] }),
})

function problemOf({ feature, maxVersionLevel, upgradeType }: Update, levels: ReadonlyMap<string, number>) {
  const level = levels.get(feature)
  if (!Object.values<number>(upgradeTypes).includes(upgradeType)) {
    return { errorCode: ErrorCode.INVALID_UPDATE_VERSION, errorMessage: `Unknown upgrade type ${upgradeType}.` }
  }
  if (level === maxVersionLevel) return { errorCode: ErrorCode.NONE, errorMessage: null }
  const reason =
    level === undefined
      ? `The feature ${feature} is not known.`
      : `The feature ${feature} is at level ${level}, which is that of the program; it changes with the program only.`
  const { code, message } = new KafkaError(ErrorCode.INVALID_UPDATE_VERSION, reason)
  return { errorCode: code, errorMessage: message }
}
