import {
  type Batch,
  defineOutput,
  deliverEachOf,
  field,
  maxInFlightField,
  NotConnectedError,
} from '../../engine/index.ts'
import type { CommandConnection } from '../io/command-connection.ts'
import { addressField, beanstalkdConnector, priority } from './client.ts'

/** Seconds that a consumer may work on a job before the server releases it, as in the original. */
const timeToRunSeconds = 2

export default defineOutput({
  name: 'beanstalkd',
  status: 'experimental',
  categories: ['Services'],
  summary: 'Puts messages into the default tube of a beanstalkd server.',
  description: `Jobs have the priority ${priority}, no delay, and a time to run of ${timeToRunSeconds} seconds. A message that exceeds the server's size limit (64 KiB by default) fails.`,
  config: field.object({ address: addressField, max_in_flight: maxInFlightField(64) }),
  needs: ['network'],
  create({ address }, resources) {
    const connect = beanstalkdConnector(address, resources)
    let connection: CommandConnection | null = null
    const put = async (bytes: Uint8Array) => {
      if (connection === null || connection.isLost) throw new NotConnectedError()
      const used = connection
      const { line } = await used.ask(`put ${priority} 0 ${timeToRunSeconds} ${bytes.length}`, bytes).catch(lost)
      if (!line.startsWith('INSERTED ')) throw used.unexpected(line)
    }
    return {
      async connect() {
        // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
        if (connection?.isLost === false) return
        connection = await connect()
      },
      write: (batch: Batch) => deliverEachOf(batch, message => put(message.bytes())),
      close: () => connection?.close(),
    }
  },
})

function lost(cause: unknown): never {
  throw new NotConnectedError(cause)
}
