import { type Batch, defineProcessor, evaluated, field, type Message, type Processor } from '../../engine/index.ts'
import { S3Client } from './s3-client.ts'
import { s3Source } from './s3-source.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineProcessor({
  name: 'aws_s3',
  categories: ['Services', 'AWS'],
  version: '1.4.0',
  summary: 'Replaces each message with the S3 object that it names.',
  description: `The scanner splits the object into messages, each in its own batch; if it produces several, the processor cannot be used within a \`branch\`. A message whose object cannot be read passes through unchanged, flagged as failed.

Metadata of each message: \`s3_key\`, \`s3_bucket\`, \`s3_last_modified_unix\`, \`s3_last_modified\` (RFC 3339), \`s3_content_type\`, \`s3_content_encoding\`, \`s3_content_length\`, \`s3_version_id\`, and the object's own metadata with lower-case names.

${credentialsHelp}`,
  config: awsConfig({
    bucket: field.interpolated('The bucket.'),
    key: field.interpolated('The key of the object.'),
    force_path_style_urls: field
      .bool('Whether the bucket is part of the URL path rather than of the host name.')
      .default(false),
    delete_objects: field
      .bool('Whether an object is deleted once it has been read, which is before its messages are delivered.')
      .default(false)
      .advanced()
      .since('1.5.0'),
    ...sessionFields,
    scanner: field.scanner('How an object is split into messages.').default({ to_the_end: {} }),
  }),
  needs: ['network'],
  examples: [
    {
      title: 'Large SQS messages',
      summary: "Follows the pointers of Amazon's extended client library.",
      config: `input:
  aws_sqs:
    url: https://sqs.us-east-1.amazonaws.com/123456789012/queue
  processors:
    - switch:
        - check: this.0 == "com.amazon.sqs.javamessaging.MessageS3Pointer"
          processors:
            - aws_s3:
                bucket: \${! this.1.s3BucketName }
                key: \${! this.1.s3Key }
`,
    },
  ],
  async create(config, resources): Promise<Processor> {
    const session = new AwsSession(config, resources)
    const client = new S3Client(session, { pathStyle: config.force_path_style_urls }, resources)
    const factory = await resources.scanner(config.scanner)

    const read = async (batch: Batch, index: number): Promise<readonly Message[]> => {
      const bucket = evaluated('s3 bucket', () => config.bucket.eval(batch, index))
      const key = evaluated('s3 key', () => config.key.eval(batch, index))
      const object = await client.get(bucket, key, resources.signal)
      const scanner = factory.scan(s3Source(bucket, key, object, `${bucket}/${key}`))
      const messages: Message[] = []
      try {
        for (let next = await scanner.next(); next !== null; next = await scanner.next()) messages.push(...next)
      } finally {
        await scanner.close()
      }
      if (config.delete_objects) await client.delete(bucket, key)
      return messages.map(each => batch[index]!.withBytes(each.bytes()).withMetadata(each.metadata))
    }

    return {
      waits: true,
      async process(batch) {
        const results: Batch[] = []
        for (const [index, message] of batch.entries()) {
          try {
            for (const each of await read(batch, index)) results.push([each])
          } catch (error) {
            results.push([resources.fail(message, error)])
          }
        }
        return results
      },
      close: () => client.close(),
    }
  },
})
