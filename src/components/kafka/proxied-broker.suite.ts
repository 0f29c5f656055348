import { freePort } from '../../../test/servers/ports.ts'
import { startTcpProxy, type TcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { Broker, localLogConfig } from '../../broker/index.ts'
import { openSqliteMetadata } from '../../metadata/index.ts'
import { openStore } from '../../storage/index.ts'

/** An in-memory broker that its clients always reach through a proxy. */
export interface ProxiedBroker {
  /** Of the broker itself. */
  readonly port: number
  readonly proxy: TcpProxy
  close(): Promise<void>
}

export async function openProxiedBroker(): Promise<ProxiedBroker> {
  const port = await freePort()
  // The broker advertises the proxy's address to its clients.
  const proxy = await startTcpProxy(port)
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const broker = await Broker.open({
    port,
    metadata,
    store: await openStore('mem://proxied-broker'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: {
      groupInitialRebalanceDelayMs: 0,
      numPartitions: 1,
      advertisedHost: '127.0.0.1',
      advertisedPort: proxy.port,
    },
  })
  return {
    port,
    proxy,
    async close() {
      await broker.close()
      await metadata.close()
      await proxy.close()
    },
  }
}
