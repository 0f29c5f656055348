import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { Sender } from '../../../test/connectors/streams.ts'
import { bodyOf } from '../../../test/servers/request-body.ts'
import { listen } from '../../../test/servers/ports.ts'
import { messageOf } from '../../base/index.ts'
import { Signer } from '../../storage/index.ts'

/** A server of PostgreSQL's protocol that asks for a password in plain text, notes it, and refuses it. */
async function startAsking(): Promise<{ port: number; logins: string[]; close(): void }> {
  const logins: string[] = []
  const server = createServer((socket: Socket) => {
    let user = ''
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      if (user === '') {
        user = /user\0([^\0]*)/.exec(data.toString())![1]!
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]))
        return
      }
      logins.push(`${user} ${data.subarray(5, -1).toString()}`)
      const reason = Buffer.from('SFATAL\0C28P01\0Mrefused\0\0')
      socket.end(Buffer.concat([Buffer.from([0x45, 0, 0, 0, reason.length + 4]), reason]))
    })
  })
  return { port: await listen(server), logins, close: () => void server.close() }
}

const aws = { region: 'eu-central-1', credentials: { id: 'AKIDEXAMPLE', secret: 'secret' } }

async function failure(port: number, more: Readonly<Record<string, unknown>>): Promise<string> {
  const dsn = `postgres://ann:old@127.0.0.1:${port}/shop?sslmode=disable`
  const sender = await Sender.start({ sql_raw: { driver: 'postgres', dsn, query: 'SELECT 1', ...aws, ...more } })
  try {
    return await sender.send('{}').then(() => 'arrived', messageOf)
  } finally {
    await sender.close()
  }
}

test('with iam_enabled the password is a signed URL for the user of the DSN', async t => {
  const server = await startAsking()
  t.after(() => server.close())
  assert.equal(await failure(server.port, { iam_enabled: true }), 'pq: refused')
  const [login = ''] = server.logins
  const host = `127.0.0.1:${server.port}`
  const [, token = ''] = /^ann (.*)$/.exec(login) ?? []
  const url = new URL(`https://${token}`)
  const date = url.searchParams.get('X-Amz-Date')!
  const at = new Date(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
  const query = new Signer('eu-central-1', 'rds-db').signQuery(
    { host, query: { Action: 'connect', DBUser: 'ann' }, validSeconds: 900 },
    { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    at,
  )
  assert.equal(token, `${host}/?${query}`)
})

test('with secret_name the user and password are those of the secret, read for each connection', async t => {
  const server = await startAsking()
  t.after(() => server.close())
  let reads = 0
  const calls: { target: unknown; authorization: unknown; body: string | null }[] = []
  const secrets = createHttpServer((request, response) => {
    void bodyOf(request).then(body => {
      const { 'x-amz-target': target, authorization } = request.headers
      calls.push({ target, authorization, body })
      reads++
      if (body?.includes('missing') === true) {
        response.writeHead(400)
        return response.end('{"__type":"ResourceNotFoundException","Message":"no such secret"}')
      }
      return response.end(JSON.stringify({ SecretString: `{"username":"bob","password":"p@ss ${reads}"}` }))
    })
  })
  const endpoint = `http://127.0.0.1:${await listen(secrets)}`
  t.after(() => secrets.close())
  assert.equal(await failure(server.port, { secret_name: 'shop/database', endpoint }), 'pq: refused')
  assert.equal(await failure(server.port, { secret_name: 'shop/database', endpoint }), 'pq: refused')
  assert.deepEqual(server.logins, ['bob p@ss 1', 'bob p@ss 2'])
  assert.equal(calls[0]!.target, 'secretsmanager.GetSecretValue')
  assert.equal(calls[0]!.body, '{"SecretId":"shop/database"}')
  assert.match(
    String(calls[0]!.authorization),
    /Credential=AKIDEXAMPLE\/\d+\/eu-central-1\/secretsmanager\/aws4_request/,
  )
  assert.match(
    await failure(server.port, { secret_name: 'missing', endpoint }),
    /error retrieving secret: ResourceNotFoundException: no such secret/,
  )
})

test('drivers that cannot sign in by AWS are refused', async () => {
  const start = (driver: string, more: Readonly<Record<string, unknown>>) =>
    Sender.start({ sql_raw: { driver, dsn: 'x@tcp(127.0.0.1:1)/x', query: 'SELECT 1', ...aws, ...more } })
  await assert.rejects(
    start('mysql', { secret_name: 'x' }),
    /secret_name with DSN info currently only works for postgres/,
  )
  await assert.rejects(
    start('mysql', { iam_enabled: true }),
    /iam_enabled with the driver mysql is known but not supported/,
  )
  await assert.rejects(start('mssql', { iam_enabled: true }), /cannot create DSN from IAM when driver is not postgres/)
})
