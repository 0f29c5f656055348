// IncrementalAlterConfigs v0–v1: changes single settings of topics, all of a topic's or none (KIP-339).
import { alterConfigs, incremented } from '../config-resources.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('IncrementalAlterConfigs', {
  async handle({ resources, validateOnly }, context) {
    return { responses: await alterConfigs(resources, validateOnly, context, incremented) }
  },
})
