import { type ApiRequest, type ApiResponse, ControlError, type MessageBytes } from '../../control/index.ts'
import { ErrorCode, KafkaError, murmur2, writeRecords } from '../../kafka/index.ts'
import type { ClusterView } from './answers.ts'
import { throwOnError } from './kafka-client.ts'
import { topicPartitions } from './topics.ts'

const allReplicas = -1

/** Writes one record typed by a user. Resolves once it is acknowledged. */
export async function produceTopicMessage(
  view: ClusterView,
  request: ApiRequest<'produce_topic_message'>,
): Promise<ApiResponse<'produce_topic_message'>> {
  const { client, clock } = view
  const key = toBytes(request.key)
  const partition = await choosePartition(view, request, key)
  const headers = (request.headers ?? []).map(header => ({ key: header.key, value: toBytes(header.value) }))
  const records = writeRecords([{ key, value: toBytes(request.value), headers }], { timestamp: clock.now() })
  const { responses } = await client.send('Produce', {
    transactionalId: null,
    acks: allReplicas,
    topicData: [{ name: request.topic_name, partitionData: [{ index: partition, records }] }],
  })
  const answer = responses[0]?.partitionResponses[0]
  if (answer === undefined) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'the answer to Produce is empty')
  const reason = answer.recordErrors[0]?.batchIndexErrorMessage ?? answer.errorMessage
  throwOnError(answer.errorCode, reason)
  return { partition, offset: answer.baseOffset }
}

/** Chosen as Kafka's own clients do, so that a key typed here goes to the same partition as in a program. */
async function choosePartition(
  { client, random }: ClusterView,
  { topic_name, partition }: ApiRequest<'produce_topic_message'>,
  key: Buffer | null,
): Promise<number> {
  const { length } = await topicPartitions(client, topic_name)
  if (partition !== undefined && partition < length) return partition
  if (partition !== undefined)
    throw new ControlError('invalid_request', `the topic has no partition ${partition}: they are 0 to ${length - 1}`)
  const hash = key === null ? Buffer.from(random.bytes(4)).readInt32BE() : murmur2(key)
  return (hash & 0x7fffffff) % length
}

function toBytes(bytes: MessageBytes | null | undefined): Buffer | null {
  if (bytes === null || bytes === undefined) return null
  const { encoding, data } = bytes
  const decoded = Buffer.from(data, encoding)
  // Node decodes what it can of invalid base64, so only bytes that encode to the same text were valid base64.
  if (encoding === 'base64' && decoded.toString('base64') !== data)
    throw new ControlError('invalid_request', `${JSON.stringify(data.slice(0, 40))} is not base64`)
  return decoded
}
