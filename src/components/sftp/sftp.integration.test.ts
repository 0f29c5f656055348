import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, test as defineTest, type TestContext } from 'node:test'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { startOpenSsh } from '../../../test/connectors/sftp.family.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { type ComponentBody, Receiver, Sender } from '../../../test/connectors/streams.ts'
import { listen } from '../../../test/servers/ports.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'

const openSsh = process.env['PENSTOCK_TEST_SFTP']

/** Nothing here waits for long. */
const test = (name: string, run: (context: TestContext) => Promise<void>) =>
  void defineTest(name, { timeout: 60_000 }, run)

if (openSsh === undefined) defineTest('SFTP connectors', { skip: 'needs a server: npm run test:connectors -- sftp' })
else testSftp(openSsh)

function testSftp(address: string): void {
  const keys = process.env['PENSTOCK_TEST_SFTP_KEYS']!
  const username = process.env['PENSTOCK_TEST_SFTP_USER']!
  const passwords = process.env['PENSTOCK_TEST_SFTP_PASSWORDS']!
  const port = Number(address.split(':')[1])
  const credentials = { username, private_key_file: join(keys, 'plain') }
  const at = (somePort: number) => ({ address: `127.0.0.1:${somePort}`, credentials })

  // The servers export files of this machine.
  const root = mkdtempSync(join(tmpdir(), 'penstock-sftp-'))
  after(() => rmSync(root, { recursive: true }))
  // ProFTPD accesses them as a different user.
  chmodSync(root, 0o755)
  const newFolder = () => {
    const folder = join(root, randomUUID().slice(0, 8))
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    return folder
  }
  const filesIn = (folder: string) =>
    Object.fromEntries(readdirSync(folder).map(name => [name, readFileSync(join(folder, name), 'utf8')]))
  const readAll = async (input: ComponentBody, more: ComponentBody = {}) => {
    const receiver = await Receiver.start({ sftp: { ...at(port), ...input } }, more)
    const received: (readonly [string, unknown])[] = []
    const done = receiver.done.then(() => null)
    for (;;) {
      const next = await Promise.race([receiver.next().catch(() => null), done])
      if (next === null) break
      next.answer()
      received.push(...next.batch.map(message => [message.text(), message.metadata.get('sftp_path')] as const))
    }
    await receiver.close()
    return { received, log: receiver.log }
  }
  const send = async (output: ComponentBody, ...texts: readonly string[]) => {
    const sender = await Sender.start({ sftp: { ...at(port), ...output } })
    for (const text of texts) await sender.send(text)
    await sender.close()
  }

  const memory = { cache_resources: [{ label: 'seen', memory: {} }] }
  const cases: StreamCases = {
    port,
    unordered: true,
    more: () => memory,
    input: (id, somePort) => ({
      sftp: {
        ...at(somePort),
        paths: [`${root}/${id}/*.txt`],
        delete_on_finish: true,
        watcher: { enabled: true, poll_interval: '50ms', cache: 'seen' },
      },
    }),
    output: (id, somePort) => ({ sftp: { ...at(somePort), path: `${root}/${id}/\${! uuid_v4() }.txt` } }),
  }
  testStreams('sftp', cases)
  testOutages('sftp', cases, async () => {
    const server = await startOpenSsh(newFolder(), keys)
    // Its connections are separate processes that outlive the server.
    const proxy = await startTcpProxy(Number(server.address.split(':')[1]))
    return {
      port: proxy.port,
      async end() {
        proxy.cut({ refuse: true })
        await server.server.kill()
      },
      async start() {
        await server.server.start()
        proxy.restore()
      },
      async close() {
        await proxy.close()
        await server.server.stop()
      },
    }
  })

  test('sftp: matching files are read in order, and folders and missing files are skipped', async () => {
    const folder = newFolder()
    for (const name of ['b.csv', 'a.csv', 'a.txt', '[x].csv', 'é.csv']) writeFileSync(join(folder, name), name)
    mkdirSync(join(folder, 'deep.csv'))
    writeFileSync(join(folder, 'deep.csv', '1.csv'), 'deep')
    symlinkSync(join(folder, 'a.txt'), join(folder, 'link.csv'))
    symlinkSync(join(folder, 'deep.csv'), join(folder, 'folder.csv'))
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.csv'))
    const matching = async (...paths: readonly string[]) => {
      const { received } = await readAll({ paths: paths.map(path => `${folder}/${path}`) })
      return received.map(([text, path]) => [text, String(path).slice(folder.length + 1)])
    }
    assert.deepEqual(await matching('*.csv'), [
      ['[x].csv', '[x].csv'],
      ['a.csv', 'a.csv'],
      ['b.csv', 'b.csv'],
      ['a.txt', 'link.csv'],
      ['é.csv', 'é.csv'],
    ])
    const names = async (...paths: readonly string[]) => (await matching(...paths)).map(([, path]) => path)
    assert.deepEqual(await names('[ab].*'), ['a.csv', 'a.txt', 'b.csv'])
    assert.deepEqual(await names('[^ab].csv'), ['é.csv'])
    assert.deepEqual(await names('\\[?].csv'), ['[x].csv'])
    assert.deepEqual(await names('d*/*.csv'), ['deep.csv/1.csv'])
    assert.deepEqual(await names('*/1.csv', 'no*', 'no-such', 'b.csv'), ['deep.csv/1.csv', 'folder.csv/1.csv', 'b.csv'])
  })

  test('sftp: an invalid path pattern and an address without a port are refused', async () => {
    const start = (options: ComponentBody) => Receiver.start({ sftp: { ...at(port), ...options } })
    await assert.rejects(start({ paths: ['/x/[a'] }), /the path '\/x\/\[a' has a \[ without its \]/)
    await assert.rejects(start({ paths: ['/x/[b-a]'] }), /has a pattern that is none: \[b-a\]/)
    await assert.rejects(
      start({ paths: ['/x'], address: 'localhost' }),
      /'localhost' is not an address; expected host:port/,
    )
    await assert.rejects(start({ paths: ['/x'], credentials: {} }), /credentials.username is missing/)
    const watcher = { enabled: true, cache: 'nope' }
    await assert.rejects(start({ paths: ['/x'], watcher }), /nope/)
  })

  test('sftp: a file is split by a scanner or by a codec of older configurations', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'a.csv'), 'n,m\n1,2\n3,4\n')
    const texts = async (options: ComponentBody) => {
      const { received } = await readAll({ paths: [`${folder}/a.csv`], ...options })
      return received.map(([text]) => text)
    }
    assert.deepEqual(await texts({}), ['n,m\n1,2\n3,4\n'])
    assert.deepEqual(await texts({ scanner: { csv: {} } }), ['{"m":"2","n":"1"}', '{"m":"4","n":"3"}'])
    assert.deepEqual(await texts({ codec: 'lines' }), ['n,m', '1,2', '3,4'])
  })

  test('sftp: a file is deleted only once all of its messages are delivered', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'a'), 'one\ntwo\n')
    writeFileSync(join(folder, 'b'), 'bad\n')
    const receiver = await Receiver.start({
      sftp: {
        ...at(port),
        paths: [`${folder}/*`],
        scanner: { lines: {} },
        delete_on_finish: true,
        auto_replay_nacks: false,
      },
    })
    const received = [await receiver.next(), await receiver.next(), await receiver.next()]
    received[1]!.answer()
    received[2]!.answer(new Error('refused'))
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.deepEqual(readdirSync(folder), ['a', 'b'])
    received[0]!.answer()
    await receiver.done
    assert.deepEqual(readdirSync(folder), ['b'])
    await receiver.close()
  })

  test('sftp: new files are waited for, each is read once, and rejected ones are read again', async () => {
    const folder = newFolder()
    const cache = newFolder()
    const config = {
      sftp: {
        ...at(port),
        paths: [`${folder}/*`],
        auto_replay_nacks: false,
        watcher: { enabled: true, minimum_age: '1h', poll_interval: '20ms', cache: 'seen' },
      },
    }
    const more = {
      cache_resources: [
        {
          label: 'seen',
          sql: {
            driver: 'sqlite',
            dsn: `file:${cache}/c.db`,
            table: 'c',
            key_column: 'k',
            value_column: 'v',
            init_statement: 'CREATE TABLE IF NOT EXISTS c (k TEXT PRIMARY KEY, v BLOB)',
            set_suffix: 'ON CONFLICT (k) DO UPDATE SET v = excluded.v',
          },
        },
      ],
    }
    const put = (name: string, ageSeconds: number) => {
      writeFileSync(join(folder, name), name)
      const time = Date.now() / 1000 - ageSeconds
      utimesSync(join(folder, name), time, time)
    }
    put('old', 4000)
    put('young', 60)
    const receiver = await Receiver.start(config, more)
    const first = await receiver.next()
    assert.deepEqual(first.texts, ['old'])
    first.answer()
    put('later', 4000)
    const refused = await receiver.next()
    assert.deepEqual(refused.texts, ['later'])
    refused.answer(new Error('not now'))
    const again = await receiver.next()
    assert.deepEqual(again.texts, ['later'])
    // Left unacknowledged: a file that was begun is read again by the next stream.
    put('last', 4000)
    const last = await receiver.next()
    last.answer()
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.equal(receiver.receivedCount, 4)
    await receiver.close()
    const next = await Receiver.start(config, more)
    assert.deepEqual(await next.collectDistinct(1), ['later'])
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.equal(next.receivedCount, 1)
    await next.close()
  })

  test('sftp: an unreadable file is reported, and the following files are read', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'b'), 'b')
    const { received, log } = await readAll({ paths: [folder, `${folder}/b`] })
    assert.deepEqual(received, [['b', `${folder}/b`]])
    assert.match(log[0]!, new RegExp(`${folder}`))
  })

  test('sftp: reading resumes where a connection was lost in the middle of a file', async () => {
    const folder = newFolder()
    const proxy = await startTcpProxy(port)
    const lines = bodies(10_000, 'a long line '.repeat(40))
    writeFileSync(join(folder, 'large'), `${lines.join('\n')}\n`)
    const receiver = await Receiver.start({
      sftp: { ...at(proxy.port), paths: [`${folder}/large`], scanner: { lines: {} } },
    })
    const seen: string[] = []
    const done = receiver.done.then(() => null)
    for (let cuts = 0; ; ) {
      const next = await Promise.race([receiver.next().catch(() => null), done])
      if (next === null) break
      seen.push(...next.texts)
      next.answer()
      if (seen.length > cuts * 1500 && cuts < 4) {
        cuts++
        proxy.cut()
      }
    }
    await receiver.close()
    await proxy.close()
    assert.ok(
      receiver.log.some(line => line.includes('was interrupted at byte')),
      receiver.log.join('\n'),
    )
    assert.deepEqual(seen, lines)
  })

  test('sftp: a file changed while disconnected is not mixed with its old content', async () => {
    const folder = newFolder()
    const proxy = await startTcpProxy(port)
    const path = join(folder, 'large')
    const filler = ' and long'.repeat(50)
    writeFileSync(path, `old${filler}\n`.repeat(10_000))
    const receiver = await Receiver.start({
      sftp: { ...at(proxy.port), paths: [path], scanner: { lines: {} } },
    })
    const first = await receiver.next()
    proxy.cut({ refuse: true })
    writeFileSync(path, `new${filler}\n`.repeat(10_000))
    utimesSync(path, 1, 1)
    first.answer()
    proxy.restore()
    const texts = new Set<string>()
    const done = receiver.done.then(() => null)
    for (;;) {
      const next = await Promise.race([receiver.next().catch(() => null), done])
      if (next === null) break
      for (const text of next.texts) texts.add(text)
      next.answer()
    }
    await receiver.close()
    await proxy.close()
    assert.deepEqual([...texts], [`old${filler}`])
    assert.ok(
      receiver.log.some(line => line.includes('was changed while it was read')),
      receiver.log.join('\n'),
    )
  })

  test('sftp: messages are written by each codec, and missing folders are created', async () => {
    const folder = newFolder()
    await send({ path: `${folder}/a/b/all`, codec: 'all-bytes' }, 'first and long', 'second')
    await send({ path: `${folder}/a/append`, codec: 'append' }, 'one', 'two')
    await send({ path: `${folder}/a/lines`, codec: 'lines' }, 'one', 'two\n', '')
    await send({ path: `${folder}/a/lines`, codec: 'lines' }, 'three')
    await send({ path: `${folder}/a/delim`, codec: 'delim:, ' }, 'one', 'two')
    await send({ path: `${folder}/c/\${! content() }` }, 'x', 'y')
    assert.deepEqual(filesIn(join(folder, 'a/b')), { all: 'second' })
    rmSync(join(folder, 'a/b'), { recursive: true })
    assert.deepEqual(filesIn(join(folder, 'a')), {
      append: 'onetwo',
      lines: 'one\ntwo\n\nthree\n',
      delim: 'one, two, ',
    })
    assert.deepEqual(filesIn(join(folder, 'c')), { x: 'x', y: 'y' })
  })

  test('sftp: a message whose file cannot be written fails alone', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'file'), '')
    for (const codec of ['all-bytes', 'lines']) {
      const path = `${folder}/\${! if content() == "bad" { "file/x" } else { content() } }`
      const sender = await Sender.start({ sftp: { ...at(port), path, codec } })
      await Promise.all([
        sender.send('one'),
        assert.rejects(sender.send('bad'), /mkdir .*file|open .*file\/x/),
        sender.send('two'),
      ])
      await sender.close()
    }
    assert.deepEqual(filesIn(folder), { file: '', one: 'oneone\n', two: 'twotwo\n' })
  })

  test('sftp: a large message is written completely, also after others', async () => {
    const folder = newFolder()
    const large = 'x'.repeat(3_000_000)
    await send({ path: `${folder}/all` }, large)
    await send({ path: `${folder}/lines`, codec: 'lines' }, 'before', large, 'after')
    assert.deepEqual(filesIn(folder), { all: large, lines: `before\n${large}\nafter\n` })
    const { received } = await readAll({ paths: [`${folder}/all`] })
    assert.equal(received[0]![0], large)
  })

  test('sftp: of concurrent messages that replace the same file, one remains complete', async () => {
    const folder = newFolder()
    const sender = await Sender.start({ sftp: { ...at(port), path: `${folder}/out` } })
    const sent = ['a', 'b', 'c', 'd', 'e'].map((letter, index) => letter.repeat(100_000 * (5 - index)))
    await Promise.all(sent.map(text => sender.send(text)))
    await sender.close()
    const { out } = filesIn(folder)
    assert.ok(sent.includes(out!), `${out!.length} bytes`)
  })

  test('sftp: messages are not interleaved when the connection is lost during a write', async () => {
    const folder = newFolder()
    const proxy = await startTcpProxy(port)
    const sender = await Sender.start({ sftp: { ...at(proxy.port), path: `${folder}/out`, codec: 'lines' } })
    await sender.send('first')
    const sent = bodies(40).map(name => name + 'x'.repeat(400_000))
    const sending = Promise.all(sent.map(text => sender.send(text)))
    const size = () => statSync(join(folder, 'out')).size
    for (let cuts = 0; cuts < 3; cuts++) {
      const before = size()
      await until(rig, () => size() > before + 1_000_000, 'it is being written')
      proxy.cut()
    }
    await sending
    await sender.close()
    await proxy.close()
    const text = readFileSync(join(folder, 'out'), 'utf8')
    const lines = new Set(text.split('\n'))
    assert.deepEqual(
      ['first', ...sent].filter(each => !lines.has(each)),
      [],
    )
    // A message, or the beginning of one.
    const whole = ['first', ...sent]
    for (const line of lines)
      assert.ok(
        whole.some(each => each.startsWith(line)),
        `${line.slice(0, 20)}… ${line.length}`,
      )
    assert.doesNotMatch(text, /\n\n/)
  })

  test('sftp: a client authenticates with a key, an encrypted key or a password', async () => {
    const folder = newFolder()
    const host = readFileSync(join(keys, 'host.pub'), 'utf8')
    const sealed = { username, private_key_file: join(keys, 'sealed'), private_key_pass: 'open sesame' }
    const works = async (name: string, options: ComponentBody) => {
      await send({ path: `${folder}/${name}`, ...options }, name)
      const { received } = await readAll({ paths: [`${folder}/${name}`], ...options })
      assert.equal(received[0]?.[0], name)
    }
    await works('sealed', { credentials: sealed })
    await works('known', { credentials: { ...credentials, host_public_key: host } })
    await works('password', { address: passwords, credentials: { username: 'reader', password: 'open sesame' } })
  })

  test('sftp: messages fail when their folder cannot be created', async () => {
    // The kernel makes no folders there, and says that there is no such file.
    await assert.rejects(send({ path: '/proc/no-such-folder/below/x' }, 'x'), /mkdir \/proc\/no-such-folder: /)
  })

  test('sftp: the reason why a client cannot connect is reported', async () => {
    const stranger = readFileSync(join(keys, 'stranger.pub'), 'utf8')
    const cases: readonly (readonly [ComponentBody, RegExp])[] = [
      [{ address: '127.0.0.1:1' }, /connection refused/],
      [{ address: 'no-such-host.invalid:22' }, /no such host|EAI_AGAIN/],
      [
        { credentials: { username, private_key_file: join(keys, 'stranger') } },
        /All configured authentication methods failed/,
      ],
      [
        { credentials: { username: 'nobody-here', private_key_file: join(keys, 'plain') } },
        /authentication methods failed/,
      ],
      [
        { credentials: { username, private_key_file: join(keys, 'none') } },
        /failed to read private key: .*no such file/i,
      ],
      [{ credentials: { username, private_key_file: join(keys, 'sshd_config') } }, /privateKey/],
      [{ credentials: { username, private_key_file: join(keys, 'sealed') } }, /no passphrase given/],
      [{ credentials: { username, private_key_file: join(keys, 'sealed'), private_key_pass: 'x' } }, /privateKey/],
      [{ credentials: { ...credentials, host_public_key: stranger } }, /Host denied \(verification failed\)/],
      [{ credentials: { ...credentials, host_public_key: 'x' } }, /failed to parse host_public_key/],
      [{ address: passwords, credentials: { username: 'reader', password: 'wrong' } }, /authentication methods failed/],
    ]
    for (const [options, reason] of cases) {
      const receiver = await Receiver.start({ sftp: { ...at(port), paths: ['/x'], ...options } })
      await until(rig, () => receiver.log.length > 0, `${reason}`)
      await receiver.close()
      assert.match(receiver.log[0]!, reason)
    }
  })

  test('sftp: a server that speaks another protocol is reported, and retried', async () => {
    const answers: readonly (readonly [string, RegExp])[] = [
      ['HTTP/1.1 400 Bad Request\r\n\r\n', /Connection lost before handshake/],
      [`SSH-2.0-x\r\n${'\u007f'.repeat(64)}`, /Bad packet length/],
      ['', /Connection lost before handshake/],
    ]
    for (const [answer, reason] of answers) {
      const server = createServer(socket => {
        socket.on('error', () => undefined)
        socket.end(answer)
      })
      const somePort = await listen(server)
      const receiver = await Receiver.start({ sftp: { ...at(somePort), paths: ['/x'] } })
      await until(rig, () => receiver.log.length >= 2, 'it is reported twice')
      await receiver.close()
      server.close()
      assert.match(receiver.log[0]!, reason)
    }
  })

  const lines = bodies(25)
  const open = async (texts: readonly string[]) => {
    const folder = newFolder()
    const proxy = await startTcpProxy(port)
    writeFileSync(join(folder, 'a'), `${texts.join('\n')}\n`)
    const { address: where } = at(proxy.port)
    const config = `{ sftp: { address: '${where}', credentials: ${JSON.stringify(credentials)}, paths: [ '${folder}/*' ], scanner: { lines: {} } } }`
    return { config, bodies: texts, cut: () => proxy.cut(), close: () => proxy.close() }
  }
  inputContract('sftp', rig, {
    ends: true,
    replays: true,
    reconnects: true,
    resumes: true,
    open: () => open(lines),
    plenty: open,
  })

  outputContract('sftp', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const folder = newFolder()
      const proxy = await startTcpProxy(port)
      const path = `${folder}/\${! if content() == "poison" { throw("no") } else { "out" } }`
      return {
        config: (maxInFlight = 64) =>
          `{ sftp: { address: '127.0.0.1:${proxy.port}', credentials: ${JSON.stringify(credentials)}, path: '${path}', codec: lines, max_in_flight: ${maxInFlight} } }`,
        poison: 'poison',
        delivered: () =>
          existsSync(join(folder, 'out')) ? readFileSync(join(folder, 'out'), 'utf8').split('\n').slice(0, -1) : [],
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  outputContract('sftp, a file for each message', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const folder = newFolder()
      const proxy = await startTcpProxy(port)
      const name = `\${! if content() == "poison" { throw("no") } else { "%06d-%v".format(count("${folder}"), content()) } }`
      return {
        config: (maxInFlight = 64) =>
          `{ sftp: { address: '127.0.0.1:${proxy.port}', credentials: ${JSON.stringify(credentials)}, path: '${folder}/${name}', max_in_flight: ${maxInFlight} } }`,
        poison: 'poison',
        delivered: () =>
          readdirSync(folder)
            .toSorted()
            .map(file => readFileSync(join(folder, file), 'utf8')),
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}
