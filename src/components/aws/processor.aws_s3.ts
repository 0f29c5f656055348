import { type Batch, defineProcessor, evaluated, field, type Message, type Processor } from '../../engine/index.ts'
import { S3Client } from './s3-client.ts'
import { s3Source } from './s3-source.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineProcessor({
  name: 'aws_s3',
  categories: ['Services', 'AWS'],
  version: '1.4.0',
  summary: 'Replaces each message by the object of an S3 bucket that it names.',
  description: `The scanner cuts the object into messages, each a batch of its own; where it yields several, the processor cannot stand inside a \`branch\`. A message whose object cannot be read goes on as it is, flagged as failed.

Metadata of each message: \`s3_key\`, \`s3_bucket\`, \`s3_last_modified_unix\`, \`s3_last_modified\` (RFC 3339), \`s3_content_type\`, \`s3_content_encoding\`, \`s3_content_length\`, \`s3_version_id\`, and the object's own metadata, whose names are in lower case.

${credentialsHelp}`,
  config: awsConfig({
    bucket: field.interpolated('The bucket.'),
    key: field.interpolated('The key of the object.'),
    force_path_style_urls: field
      .bool('Whether the bucket is part of the path instead of the name of the host.')
      .default(false),
    delete_objects: field
      .bool('Whether an object is deleted once it was read, which is before its messages are delivered.')
      .default(false)
      .advanced()
      .since('1.5.0'),
    ...sessionFields,
    scanner: field.scanner('How an object is cut into messages.').default({ to_the_end: {} }),
  }),
  needs: ['network'],
  examples: [
    {
      title: 'Large messages of SQS',
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
