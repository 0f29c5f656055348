import { ConfigError, field, type Resources } from '../../engine/index.ts'
import { CommandConnection, type CommandProtocol, hostAndPort } from '../io/command-connection.ts'

export const addressField = field
  .string('The address of the server, as `host:port`.')
  .needs('network')
  .examples('127.0.0.1:11300')

/** The priority with which jobs are put and released, as in the original. */
export const priority = 2

/** As of beanstalkd's `doc/protocol.txt`. */
export const protocol: CommandProtocol = {
  valueSize(line) {
    const size = /^RESERVED \d+ (\d+)$/.exec(line)?.[1]
    return size === undefined ? undefined : Number(size)
  },
  valueEnd: '\r\n',
  isFatal: line => line === 'BAD_FORMAT' || line === 'UNKNOWN_COMMAND' || line === 'EXPECTED_CRLF',
}

/** Validates the address and returns a function that connects. Throws {@link ConfigError}. */
export function beanstalkdConnector(address: string, { host }: Resources): () => Promise<CommandConnection> {
  const server = hostAndPort(address)
  if (server === undefined) throw new ConfigError(`address: '${address}' is not an address; expected host:port`)
  return async () => {
    const connection = new CommandConnection(protocol, { ...server, name: `beanstalkd at ${address}` }, host)
    // A response shows that there is a server.
    const { line } = await connection.ask('list-tube-used')
    if (line.startsWith('USING ')) return connection
    connection.close()
    throw connection.unexpected(line)
  }
}
