// `penstock kcmd -type diagnose-connection` against clusters that let it in, and those that do not.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { startLocalCluster } from '../servers/local-cluster.ts'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { eventually, program } from './support.ts'

/** Resolves to the exit code and all output. */
async function diagnose(port: number | string, ...flags: string[]): Promise<{ code: number | null; output: string }> {
  const args = ['kcmd', '-type', 'diagnose-connection', '-bootstrap-host', 'localhost', '-bootstrap-port', `${port}`]
  const child = spawn(program, [...args, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, output: out + errors }
}

const options = {
  agents: 2,
  controlPlanes: 1,
  database: 'sqlite',
  store: 'file',
  program: [program],
} as const

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const proxy = await startTcpProxy(1)
  await proxy.close()
  return proxy.port
}

const portOf = (address: string) => address.slice(address.lastIndexOf(':') + 1)

test('lists all brokers of an open cluster, including unreachable ones', async () => {
  const cluster = await startLocalCluster({ ...options, auth: 'none' })
  try {
    const [first, second] = cluster.agents.map(({ address }) => portOf(address))
    const well = await diagnose(first!)
    assert.equal(well.code, 0, well.output)
    for (const port of [first, second])
      assert.match(well.output, new RegExp(`ACCESSIBLE +\\d+ 127\\.0\\.0\\.1:${port}`))
    assert.match(well.output, /Coordinator of a consumer group\n {2}ACCESSIBLE +\d+ 127/)

    // An agent that advertises an address on which it does not listen.
    const nowhere = await freePort()
    await cluster.addAgent(['-discoveryKafkaPortOverride', `${nowhere}`])
    const broken = await eventually(
      'the first agent knows the third one',
      () => diagnose(first!),
      ({ output }) => output.includes(`:${nowhere}`),
    )
    assert.equal(broken.code, 1, broken.output)
    assert.match(broken.output, new RegExp(`UNREACHABLE +\\d+ 127\\.0\\.0\\.1:${nowhere}.*connection refused`))
    assert.match(broken.output, new RegExp(`ACCESSIBLE +\\d+ 127\\.0\\.0\\.1:${first}`))
  } finally {
    await cluster.close()
  }
})

test('names the flags for a cluster that requires TLS and a password', async () => {
  const cluster = await startLocalCluster({ ...options, agents: 1, auth: 'scram-tls' })
  try {
    const port = portOf(cluster.agents[0]!.address)
    const { username, password, caFile } = cluster.login!
    const tls = ['-tls', '-tlsServerCACertFile', caFile]
    const well = await diagnose(port, ...tls, '-username', username, '-password', password)
    assert.equal(well.code, 0, well.output)
    assert.match(well.output, /TLS +TLSv1\.3, a certificate with the common name localhost, valid until /)

    const wrong: [readonly string[], RegExp][] = [
      [[], /FAILED +the cluster does not answer; it may require -tls/],
      [['-tls'], /FAILED +no TLS: /],
      [tls, /FAILED +the cluster does not answer; it may require -username and -password/],
      [[...tls, '-username', username, '-password', 'x'], /FAILED +the cluster does not answer this user: /],
      [['-tlsServerCACertFile', caFile], /certificates require -tls/],
      [['-tls', '-tlsServerCACertFile', '/missing'], /-tlsServerCACertFile: cannot read \/missing \(ENOENT\)/],
    ]
    for (const [flags, message] of wrong) {
      const { code, output } = await diagnose(port, ...flags)
      assert.equal(code, 1, output)
      assert.match(output, message)
    }
  } finally {
    await cluster.close()
  }
})

test('reports a port where nothing listens', async () => {
  const { code, output } = await diagnose(await freePort())
  assert.equal(code, 1)
  assert.match(output, /FAILED +no connection: /)
})
