import { asError } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { MqttClient } from 'mqtt'
import {
  type Batch,
  defineOutput,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Message,
  NotConnectedError,
  type Output,
  type Resources,
  sendAll,
  type Settle,
  throwOutcomes,
} from '../../engine/index.ts'
import { clientFields, mqttConnector, qosOf, type QualityOfService } from './client.ts'

const config = field.object({
  ...clientFields,
  topic: field.interpolated('The topic to publish to.'),
  qos: field.int('The quality of service: 0, 1 or 2.').default(1),
  write_timeout: field
    .duration('How long the broker may accept no data before the connection counts as lost; 0s means no limit.')
    .default('3s')
    .examples('1s', '500ms'),
  retained: field.bool('Whether the broker retains the latest message for later subscribers.').default(false),
  retained_interpolated: field
    .interpolated('Like `retained`, but interpolated for each message to `true` or `false`; takes precedence over it.')
    .optional()
    .advanced(),
  max_in_flight: maxInFlightField(64),
})

export default defineOutput({
  name: 'mqtt',
  categories: ['Services'],
  summary: 'Publishes messages to topics of an MQTT broker.',
  config,
  requires: ['mqtt'],
  needs: ['network'],
  create: (options, resources) => new MqttOutput(options, resources),
})

class MqttOutput implements Output {
  readonly #config: Infer<typeof config>
  readonly #resources: Resources
  readonly #qos: QualityOfService
  readonly #connect: (signal: AbortSignal) => Promise<MqttClient>
  #client: MqttClient | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#qos = qosOf(options.qos)
    this.#connect = mqttConnector(options, resources, { clean: true, writeTimeoutMs: options.write_timeout ?? 0 })
  }

  async connect(signal: AbortSignal): Promise<void> {
    // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
    if (this.#client?.connected === true) return
    await this.close()
    this.#client = await this.#connect(signal)
  }

  async write(batch: Batch): Promise<void> {
    throwOutcomes(batch, await sendAll(batch.length, (index, settle) => this.#publish(batch, index, settle)))
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return sendAll(run.length, (index, settle) => this.#publish([run[index]!], 0, settle))
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.endAsync(!client.connected)
  }

  #publish(batch: Batch, index: number, settle: Settle): void {
    const client = this.#client
    if (client === null || !client.connected) return settle(new NotConnectedError())
    try {
      const topic = evaluated('topic', () => this.#config.topic.eval(batch, index))
      const retain = this.#isRetained(batch, index)
      const bytes = batch[index]!.bytes()
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      client.publish(topic, content, { qos: this.#qos, retain }, error => {
        if (error === undefined || error === null) settle(null)
        else settle(client.connected ? error : new NotConnectedError(error))
      })
    } catch (error) {
      settle(asError(error))
    }
  }

  #isRetained(batch: Batch, index: number): boolean {
    const { retained, retained_interpolated: each } = this.#config
    if (each === undefined) return retained
    const text = evaluated('retained', () => each.eval(batch, index))
    if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true
    if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false
    this.#resources.log.error(`Error parsing boolean value from retained flag: ${JSON.stringify(text)}`)
    return false
  }
}
