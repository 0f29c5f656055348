import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import process from 'node:process'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type KafkaAccess, KafkaClient } from '../agent/index.ts'
import { codeOf, hostPort, messageOf, serverName } from '../base/index.ts'
import { ErrorCode, errorMessage } from '../kafka/index.ts'
import type { kcmdFlags } from './commands.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { serve } from './serving.ts'

type KcmdFlags = FlagValues<typeof kcmdFlags>
type Tls = NonNullable<KafkaAccess['tls']>

const timeoutMs = 5000
const groupKey = 'penstock-kcmd'

/** A failed step, which makes all later ones pointless. The message is for the user. */
class StepFailed extends Error {}

/** Runs one of the commands for Kafka. Resolves to the exit code. */
export function runKcmd(flags: KcmdFlags): Promise<number> {
  return serve('kcmd', async () => {
    if (flags.type === '') throw new FlagError('-type is missing: diagnose-connection')
    try {
      return await diagnoseConnection(flags)
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      line('FAILED', error.message)
      return 1
    }
  })
}

/**
 * Connects as a Kafka client does, step by step: name, connection, TLS, authentication, all brokers, the coordinator.
 */
async function diagnoseConnection(flags: KcmdFlags): Promise<number> {
  const { 'bootstrap-host': host, 'bootstrap-port': port } = flags
  const tls = tlsOf(flags)
  process.stdout.write(`${hostPort(host, port)}\n`)
  const addresses = await step(`the name ${host} cannot be resolved`, lookup(host, { all: true }))
  line('resolves', addresses.map(({ address }) => address).join(', '))
  const startedAt = performance.now()
  await step('no connection', reach(host, port))
  line('connects', `within ${Math.ceil(performance.now() - startedAt)} ms`)
  if (tls !== undefined) line('TLS', await step('no TLS', handshake(host, port, tls)))

  const client = new KafkaClient(host, port, accessOf(flags, tls))
  try {
    const { brokers, clusterId, controllerId } = await step(
      refusalOf(flags),
      client.send('Metadata', { topics: [], allowAutoTopicCreation: false }, timeoutMs),
    )
    if (flags.username !== '') line('signs in', `as ${flags.username}`)
    line('cluster', clusterId ?? 'without an id')
    process.stdout.write('\nBrokers, at the addresses that clients are given\n')
    let isWell = brokers.length > 0
    for (const { nodeId, host: of, port: at, rack } of brokers) {
      const zone = rack == null || rack === '' ? '' : ` [${rack}]`
      const controller = nodeId === controllerId ? ' (controller)' : ''
      isWell = (await report(`${nodeId}${zone} ${hostPort(of, at)}${controller}`, of, at)) && isWell
    }
    const found = await step(
      'no coordinator',
      client.send('FindCoordinator', { keyType: 0, key: groupKey, coordinatorKeys: [groupKey] }, timeoutMs),
    )
    const coordinator = found.coordinators[0] ?? found
    process.stdout.write('\nCoordinator of a consumer group\n')
    if (coordinator.errorCode !== ErrorCode.NONE) throw new StepFailed(errorMessage(coordinator.errorCode))
    const { nodeId, host: of, port: at } = coordinator
    return (await report(`${nodeId} ${hostPort(of, at)}`, of, at)) && isWell ? 0 : 1
  } finally {
    await client.close()
  }
}

/** Prints whether a broker is reachable. */
async function report(name: string, host: string, port: number): Promise<boolean> {
  try {
    await reach(host, port)
    line('ACCESSIBLE', name)
    return true
  } catch (error) {
    line('UNREACHABLE', `${name}: ${messageOf(error)}`)
    return false
  }
}

async function reach(host: string, port: number): Promise<void> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) })
  } catch (error) {
    if (codeOf(error) === 'ABORT_ERR') throw new Error(`no answer within ${timeoutMs} ms`, { cause: error })
    throw error
  } finally {
    socket.destroy()
  }
}

/** Resolves to a description of the connection for the user. */
async function handshake(host: string, port: number, tls: Tls): Promise<string> {
  // An address is not a server name (RFC 6066).
  const socket: TLSSocket = connectTls({ host, port, servername: serverName(host), ...tls })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) })
    const { subject, valid_to: validTo } = socket.getPeerCertificate()
    const name = subject?.CN === undefined ? 'no common name' : `the common name ${String(subject.CN)}`
    return `${socket.getProtocol()}, a certificate with ${name}, valid until ${validTo}`
  } catch (error) {
    if (codeOf(error) === 'ABORT_ERR')
      throw new Error(`no answer within ${timeoutMs} ms; without -tls?`, { cause: error })
    throw error
  } finally {
    socket.destroy()
  }
}

async function step<Result>(problem: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw new StepFailed(`${problem}: ${messageOf(error)}`, { cause: error })
  }
}

/** A hint about what the user may have left out. */
function refusalOf({ tls, username }: KcmdFlags): string {
  if (username !== '') return 'the cluster does not answer this user'
  return tls
    ? 'the cluster does not answer; it may require -username and -password, or a client certificate'
    : 'the cluster does not answer; it may require -tls, or -username and -password'
}

function accessOf({ username, password }: KcmdFlags, tls: Tls | undefined): KafkaAccess {
  const login = { username, password }
  return {
    isEncrypted: tls !== undefined,
    ...(tls && { tls }),
    logins: username === '' ? undefined : { create: async () => login, remove: async () => {} },
  }
}

function tlsOf(flags: KcmdFlags): Tls | undefined {
  const { tlsServerCACertFile: ca, tlsClientCertFile: cert, tlsClientPrivateKeyFile: key } = flags
  if (!flags.tls) {
    if (ca !== '' || cert !== '' || key !== '') throw new FlagError('certificates require -tls')
    return undefined
  }
  if ((cert === '') !== (key === ''))
    throw new FlagError('-tlsClientCertFile and -tlsClientPrivateKeyFile must be given together')
  return {
    ...(ca !== '' && { ca: fileOf('tlsServerCACertFile', ca) }),
    ...(cert !== '' && {
      cert: fileOf('tlsClientCertFile', cert),
      key: fileOf('tlsClientPrivateKeyFile', key),
    }),
  }
}

function fileOf(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new FlagError(`-${flag}: cannot read ${path} (${codeOf(error)})`, { cause: error })
  }
}

function line(name: string, text: string): void {
  process.stdout.write(`  ${name.padEnd(12)} ${text}\n`)
}
