// ApiVersions v0–v4: the supported APIs and features.
//
// Behaviour: the only request that a client may send in a version unknown to us; the connection answers that case
// itself, in version 0 (KIP-511). From v3 on the client must send the name and version of its software. v4: features
// whose minimum is 0 are listed as well; older clients cannot parse such a range (KAFKA-17011).
import { ErrorCode } from '../../kafka/index.ts'
import { featuresOf } from '../features.ts'
import { defineHandler } from '../handler.ts'

const software = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export default defineHandler('ApiVersions', {
  handle(request, { version, broker, connection }) {
    if (version >= 3 && !(software.test(request.clientSoftwareName) && software.test(request.clientSoftwareVersion))) {
      return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    }
    connection.software = { name: request.clientSoftwareName, version: request.clientSoftwareVersion }
    const finalized = featuresOf(broker.handlers)
    const features = finalized.filter(({ minVersion }) => minVersion > 0 || version >= 4)
    return {
      apiKeys: broker.handlers.map(({ api, minVersion, maxVersion }) => ({ apiKey: api.key, minVersion, maxVersion })),
      supportedFeatures: features.map(({ name, minVersion, level }) => ({ name, minVersion, maxVersion: level })),
      finalizedFeaturesEpoch: 0,
      finalizedFeatures: finalized.map(({ name, level }) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    }
  },
  failed: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
})
