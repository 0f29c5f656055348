import { textOfMetadata } from '../../bloblang/index.ts'
import type { Message, Resources } from '../../engine/index.ts'

/** A message attribute of SQS or SNS. */
export interface Attribute {
  readonly DataType: 'String'
  readonly StringValue: string
}

const invalidName = /^\.|\.\.|^aws\.|^amazon\.|\.$|[^a-z0-9_\-.]/i

/**
 * The metadata of a message as attributes, sorted by name and truncated to `limit`. Metadata whose name is not a valid
 * attribute name is omitted and logged.
 */
export function attributesOf(
  message: Message,
  excluded: readonly string[],
  { log }: Resources,
  limit = Infinity,
): Record<string, Attribute> | undefined {
  const keys: string[] = []
  for (const key of message.metadata.keys()) {
    if (excluded.some(prefix => key.startsWith(prefix))) continue
    if (invalidName.test(key)) log.debug(`Rejecting metadata key '${key}' due to invalid characters`)
    else keys.push(key)
  }
  if (keys.length === 0) return undefined
  const chosen = keys.toSorted().slice(0, limit)
  return Object.fromEntries(
    chosen.map(key => [key, { DataType: 'String', StringValue: textOfMetadata(message.metadata.get(key)!) }]),
  )
}
