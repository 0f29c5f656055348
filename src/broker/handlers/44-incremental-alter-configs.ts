// IncrementalAlterConfigs v0–v1: changes individual configs of topics, brokers, groups and client
// metrics, all or none per resource (KIP-339).
import { alterConfigs, incremented } from '../config-resources.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('IncrementalAlterConfigs', {
  async handle({ resources, validateOnly }, context) {
    return { responses: await alterConfigs(resources, validateOnly, context, incremented) }
  },
  failed: ({ resources }, errorCode) => ({
    responses: resources.map(({ resourceType, resourceName }) => ({ errorCode, resourceType, resourceName })),
  }),
})
