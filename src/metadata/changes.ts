import type { CallName } from './calls.ts'
import type { Committed } from './operations/log.ts'
import type { TopicChange } from './operations/topics.ts'
import type { Change } from './transport.ts'

/** What others should hear of a call that was carried out; undefined for calls that change nothing of theirs. */
export function changeBy(name: CallName, result: unknown): Change | undefined {
  switch (name) {
    // The result is that of the operation of this name.
    case 'commit':
      return { appended: (result as Committed).appended } // the case names the call that gave it
    case 'createTopics':
    case 'deleteTopics':
    case 'undeleteTopics':
    case 'createPartitions':
    case 'setTopicConfigs':
      return { catalogVersion: (result as TopicChange).version } // the case names the call that gave it
    default:
      return undefined
  }
}
