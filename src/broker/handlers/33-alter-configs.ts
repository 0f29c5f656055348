// AlterConfigs v0–v2: replaces all configs of each resource with those given.
// Newer clients use IncrementalAlterConfigs.
import { alterConfigs, replaced } from '../config-resources.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('AlterConfigs', {
  async handle({ resources, validateOnly }, context) {
    return { responses: await alterConfigs(resources, validateOnly, context, replaced) }
  },
  failed: ({ resources }, errorCode) => ({
    responses: resources.map(({ resourceType, resourceName }) => ({ errorCode, resourceType, resourceName })),
  }),
})
