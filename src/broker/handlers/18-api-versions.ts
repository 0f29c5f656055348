// ApiVersions v0–v4: which APIs and features there are.
//
// Behaviour: the only request that a client may send in a version that we do not know; the connection answers that one
// itself, in version 0 (KIP-511). From v3 on the client must tell the name and version of its software.
// v4: features whose minimum is 0 are listed as well; older clients cannot read such a range (KAFKA-17011).
import { ErrorCode } from '../../kafka/index.ts'
import { type BrokerContext, defineHandler } from '../handler.ts'

const software = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export default defineHandler('ApiVersions', {
  handle(request, { version, broker }) {
    if (version >= 3 && !(software.test(request.clientSoftwareName) && software.test(request.clientSoftwareVersion))) {
      return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    }
    const features = featuresOf(broker)
    return {
      apiKeys: broker.handlers.map(({ api, minVersion, maxVersion }) => ({ apiKey: api.key, minVersion, maxVersion })),
      supportedFeatures:
        version >= 4 ? features.map(({ name, level }) => ({ name, minVersion: 0, maxVersion: level })) : [],
      finalizedFeaturesEpoch: 0,
      finalizedFeatures: features.map(({ name, level }) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    }
  },
})

/** A feature is there when the API is that brings it. */
function featuresOf(broker: BrokerContext): { name: string; level: number }[] {
  const names = new Set(broker.handlers.map(handler => handler.api.name))
  const features: { name: string; level: number }[] = []
  if (names.has('ConsumerGroupHeartbeat')) features.push({ name: 'group.version', level: 1 })
  if (names.has('EndTxn')) features.push({ name: 'transaction.version', level: 2 })
  return features
}
