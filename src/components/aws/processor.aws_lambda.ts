import type { LambdaClient } from '@aws-sdk/client-lambda'
import { messageOf } from '../../base/index.ts'
import {
  ConfigError,
  defineProcessor,
  field,
  type Message,
  perMessage,
  type Processor,
  withDeadline,
} from '../../engine/index.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineProcessor({
  name: 'aws_lambda',
  categories: ['Integration'],
  summary: 'Calls an AWS Lambda function with each message and replaces the message with the result.',
  description: `To keep all or part of the message, call the function within a \`branch\`.

If the function itself fails, Lambda still responds: the message becomes the error description, with the metadata \`lambda_function_error\`. Messages whose call fails are flagged as failed.

${credentialsHelp}`,
  config: awsConfig({
    parallel: field.bool('Whether the messages of a batch are sent concurrently.').default(false),
    function: field.string('The function, by name or ARN.'),
    rate_limit: field.string('A `rate_limit` resource that limits the calls.').default('').advanced(),
    ...sessionFields,
    timeout: field.duration('How long one call may take.').default('5s').advanced(),
    retries: field.int('How often a failed call is retried.').default(3).advanced(),
  }),
  needs: ['network'],
  requires: ['@aws-sdk/client-lambda'],
  examples: [
    {
      title: 'Call a function and keep the message',
      config: `pipeline:
  processors:
    - branch:
        request_map: '{"id":this.doc.id,"username":this.user.name}'
        processors:
          - aws_lambda:
              function: trigger_user_update
`,
    },
  ],
  create(config, resources): Processor {
    const { function: name, rate_limit: limit, timeout } = config
    if (name === '') throw new ConfigError('lambda function must not be empty')
    if (limit !== '' && !resources.hasResource('rate_limit', limit)) {
      throw new ConfigError(`rate limit resource '${limit}' was not found`)
    }
    const session = new AwsSession(config, resources)
    let opened: Promise<{ library: typeof import('@aws-sdk/client-lambda'); client: LambdaClient }> | undefined
    const open = async () => {
      const library = (await import('@aws-sdk/client-lambda')).default
      // A call may take as long as configured, and the SDK must not repeat it in addition to `retries`.
      const options = await session.clientOptions('LAMBDA', { timeoutMs: timeout ?? 0 })
      return { library, client: new library.LambdaClient({ ...options, maxAttempts: 1 }) }
    }

    const access = async () => {
      if (limit === '') return
      for (;;) {
        const waitMs = await resources.rateLimit(limit).access()
        if (waitMs <= 0) return
        await resources.wait(waitMs)
      }
    }

    const call = async (message: Message): Promise<Message> => {
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      const { library, client } = await opened
      const command = new library.InvokeCommand({ FunctionName: name, Payload: message.bytes() })
      const { FunctionError, Payload } = await withDeadline('the call', timeout, resources.signal, abortSignal =>
        client.send(command, { abortSignal }),
      )
      const answer = message.withBytes(Payload === undefined ? new Uint8Array() : new Uint8Array(Payload))
      return FunctionError === undefined ? answer : answer.withMeta('lambda_function_error', FunctionError)
    }

    const change = async (message: Message): Promise<Message> => {
      for (let left = config.retries; ; left--) {
        await access()
        try {
          return await call(message)
        } catch (error) {
          if (left > 0 && !resources.signal.aborted) continue
          resources.log.error(`Lambda function '${name}' failed: ${messageOf(error)}`)
          return resources.fail(message, error)
        }
      }
    }

    const oneByOne = perMessage(change)
    return {
      waits: true,
      process: async batch => (config.parallel ? [await Promise.all(batch.map(change))] : oneByOne.process(batch)),
      async close() {
        const last = await opened?.catch(() => undefined)
        last?.client.destroy()
      },
    }
  },
})
