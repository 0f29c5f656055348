import { messageOf } from '../../base/index.ts'
import type { Clock, Random } from '../../base/index.ts'
import type { Metadata } from '../../metadata/index.ts'
import { ErrorCode, KafkaError, ProtocolError } from '../../kafka/index.ts'
import {
  type ApiRequest,
  type ApiResponse,
  ControlError,
  type RelayAnswer,
  type RelayedName,
  type RelayQuestion,
} from '../../control/index.ts'
import { deleteConsumerGroup, describeConsumerGroup, listConsumerGroups } from './consumer-groups.ts'
import type { KafkaClient } from './kafka-client.ts'
import { readTopicMessage, readTopicMessages } from './messages.ts'
import { produceTopicMessage } from './produce.ts'
import { resetConsumerGroupOffsets } from './reset-offsets.ts'
import {
  createTopic,
  deleteTopic,
  describeTopic,
  describeTopicConfigs,
  listTopics,
  undeleteTopic,
  updateTopic,
} from './topics.ts'

/** The sources of the answers. */
export interface ClusterView {
  readonly client: KafkaClient
  /** Knows the sizes of topics; absent for a cluster that is not ours. */
  readonly metadata: Metadata | undefined
  /** For the timestamps of produced messages. */
  readonly clock: Clock
  /** Distributes messages without a key over the partitions. */
  readonly random: Random
}

type Answers = {
  readonly [Name in RelayedName]: (view: ClusterView, request: ApiRequest<Name>) => Promise<ApiResponse<Name>>
}

const answers: Answers = {
  list_topics: listTopics,
  describe_topic: describeTopic,
  create_topic: createTopic,
  update_topic: updateTopic,
  delete_topic: deleteTopic,
  undelete_topic: undeleteTopic,
  describe_topic_configs: describeTopicConfigs,
  read_topic_messages: readTopicMessages,
  read_topic_message: readTopicMessage,
  produce_topic_message: produceTopicMessage,
  list_consumer_groups: listConsumerGroups,
  describe_consumer_group: describeConsumerGroup,
  reset_consumer_group_offsets: resetConsumerGroupOffsets,
  delete_consumer_group: deleteConsumerGroup,
}

/** Answers a question about the cluster's data; an error is an answer, too. */
export async function answerQuestion(view: ClusterView, question: RelayQuestion): Promise<RelayAnswer> {
  try {
    // The question's name decides the type of its request, which the compiler cannot follow through the table.
    const answer = answers[question.name] as (view: ClusterView, request: unknown) => Promise<ApiResponse<RelayedName>>
    return { ok: true, response: await answer(view, question.request) }
  } catch (error) {
    return { ok: false, error: toControlError(question.name, error).toJSON() }
  }
}

function toControlError(name: RelayedName, error: unknown): ControlError {
  if (error instanceof ControlError) return error
  if (!(error instanceof KafkaError) && !(error instanceof ProtocolError))
    return new ControlError(
      'no_agent_available',
      `the agent could not ask the Kafka cluster: ${String(messageOf(error))}`,
    )
  const code = error instanceof KafkaError ? error.code : undefined
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return new ControlError('topic_not_found', 'there is no such topic')
  if (code === ErrorCode.TOPIC_ALREADY_EXISTS)
    return new ControlError('topic_already_exists', 'there is a topic of that name already')
  if (code === ErrorCode.GROUP_ID_NOT_FOUND)
    return new ControlError('consumer_group_not_found', 'there is no such consumer group')
  // While a group has members, a commit from outside is refused as one of an unknown member.
  if (code === ErrorCode.NON_EMPTY_GROUP || code === ErrorCode.UNKNOWN_MEMBER_ID)
    return new ControlError('consumer_group_not_empty', 'the consumer group has members: stop its consumers first')
  if (code === ErrorCode.POLICY_VIOLATION && name === 'delete_topic')
    return new ControlError('topic_protected', error.message)
  return new ControlError('kafka_error', error.message)
}
