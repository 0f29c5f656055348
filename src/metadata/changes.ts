import type { CallName } from './calls.ts'
import type { Committed } from './plan.ts'
import type { TopicChange } from './operations/topics.ts'
import type { Change } from './transport.ts'

/** The change that others must be notified of after a call; undefined if it changed nothing that concerns them. */
export function changeBy(name: CallName, result: unknown): Change | undefined {
  switch (name) {
    // The result is that of the operation with this name.
    case 'commit':
      return { appended: (result as Committed).appended } // the case names the call that returned it
    case 'createTopics':
    case 'deleteTopics':
    case 'undeleteTopics':
    case 'createPartitions':
    case 'setTopicConfigs':
      return { catalogVersion: (result as TopicChange).version } // the case names the call that returned it
    default:
      return undefined
  }
}
