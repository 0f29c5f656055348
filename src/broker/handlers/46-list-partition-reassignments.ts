// ListPartitionReassignments v0: there are no replicas to move, so none is ever going on (KIP-455).
import { defineHandler } from '../handler.ts'

export default defineHandler('ListPartitionReassignments', {
  handle: () => ({ topics: [] }),
})
