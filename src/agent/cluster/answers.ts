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
import { describeConsumerGroup, listConsumerGroups } from './consumer-groups.ts'
import type { KafkaClient } from './kafka-client.ts'
import { readTopicMessages } from './messages.ts'
import { createTopic, deleteTopic, describeTopic, listTopics } from './topics.ts'

/** What the answers are made from. */
export interface ClusterView {
  readonly client: KafkaClient
  /** Tells how many bytes a topic has; absent for a cluster that is not ours. */
  readonly metadata: Metadata | undefined
}

type Answers = {
  readonly [Name in RelayedName]: (view: ClusterView, request: ApiRequest<Name>) => Promise<ApiResponse<Name>>
}

const answers: Answers = {
  list_topics: listTopics,
  describe_topic: describeTopic,
  create_topic: createTopic,
  delete_topic: deleteTopic,
  read_topic_messages: readTopicMessages,
  list_consumer_groups: listConsumerGroups,
  describe_consumer_group: describeConsumerGroup,
}

/** Answers a question about the cluster's data; what goes wrong is an answer too. */
export async function answerQuestion(view: ClusterView, question: RelayQuestion): Promise<RelayAnswer> {
  try {
    // The question's name decides the type of its request, which the compiler cannot follow through the table.
    const answer = answers[question.name] as (view: ClusterView, request: unknown) => Promise<ApiResponse<RelayedName>>
    return { ok: true, response: await answer(view, question.request) }
  } catch (error) {
    return { ok: false, error: toControlError(error).toJSON() }
  }
}

function toControlError(error: unknown): ControlError {
  if (error instanceof ControlError) return error
  if (!(error instanceof KafkaError) && !(error instanceof ProtocolError))
    return new ControlError(
      'no_agent_available',
      `the agent could not ask the Kafka cluster: ${String((error as Error).message)}`,
    )
  const code = error instanceof KafkaError ? error.code : undefined
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return new ControlError('topic_not_found', 'there is no such topic')
  if (code === ErrorCode.TOPIC_ALREADY_EXISTS)
    return new ControlError('topic_already_exists', 'there is a topic of that name already')
  return new ControlError('kafka_error', error.message)
}
