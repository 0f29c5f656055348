// UpdateFeatures v0–v2: the levels of features are those of the program, so only the present ones are accepted (KIP-584).
//
// Behaviour: a request with one update that is not legal changes nothing. v0–v1 answer for each feature, v2 once for all.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import { featuresOf } from '../features.ts'
import { defineHandler, type RequestOf } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

type Update = RequestOf<'UpdateFeatures'>['featureUpdates'][number]

export default defineHandler('UpdateFeatures', {
  handle({ featureUpdates }, { access, broker }) {
    if (!allowsCluster(access, 'alter')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, errorMessage: null, results: [] }
    }
    const levels = new Map(featuresOf(broker.handlers).map(({ name, level }) => [name, level]))
    const results = featureUpdates.map(update => ({ feature: update.feature, ...problemOf(update, levels) }))
    const problem = results.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
    return { errorCode: problem?.errorCode ?? ErrorCode.NONE, errorMessage: problem?.errorMessage ?? null, results }
  },
  failed: (_request, errorCode) => ({ errorCode, results: [] }),
})

function problemOf({ feature, maxVersionLevel }: Update, levels: ReadonlyMap<string, number>) {
  const level = levels.get(feature)
  if (level === maxVersionLevel) return { errorCode: ErrorCode.NONE, errorMessage: null }
  const reason =
    level === undefined
      ? `The feature ${feature} is not known.`
      : `The feature ${feature} is at level ${level}, which is that of the program; it changes with the program only.`
  const { code, message } = new KafkaError(ErrorCode.INVALID_UPDATE_VERSION, reason)
  return { errorCode: code, errorMessage: message }
}
