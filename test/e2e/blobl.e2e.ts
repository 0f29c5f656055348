// `penstock blobl` as used in pipes, and its page in a real browser.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import { program } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-blobl-'))
after(() => rmSync(folder, { recursive: true }))

function blobl(args: readonly string[], input: string | Uint8Array = '') {
  const options = { input, cwd: folder, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }
  const { status, stdout, stderr } = spawnSync(program, ['blobl', ...args], options)
  return { status, stdout: stdout.toString('latin1'), stderr: stderr.toString('utf8') }
}

const lines = (count: number, line: (n: number) => string) => Array.from({ length: count }, (_, n) => `${line(n)}\n`)

test('threads keep the order of lines and errors', () => {
  const input = lines(60_000, n => (n % 1000 === 7 ? `bad ${n}` : `{"n":${n},"pad":"${'x'.repeat(n % 97)}"}`)).join('')
  const one = blobl(['root = this.n * 2'], input)
  assert.equal(one.status, 0)
  assert.equal(one.stdout.split('\n').length - 1, 59_940)
  assert.equal(one.stderr.split('\n').length - 1, 60)
  assert.deepEqual(blobl(['-t', '4', 'root = this.n * 2'], input), one)
})

test('functions with state between calls keep it across all threads', () => {
  const input = lines(30_000, () => '{}').join('')
  const { stdout } = blobl(['--threads=2', 'root = counter()'], input)
  assert.equal(stdout, lines(30_000, n => String(n + 1)).join(''))
})

test('lines end with a newline, a carriage return before it, or the input', () => {
  assert.equal(blobl(['root = content().length()'], 'ab\r\nc\n\n\r\r\nlast').stdout, '2\n1\n0\n1\n4\n')
  assert.equal(blobl(['root = deleted()'], 'a\nb').stdout, '\n\n')
  assert.equal(blobl(['root = this'], '').stdout, '')
})

test('bytes that are not valid text pass through', () => {
  const input = Uint8Array.of(0xff, 0, 0xc3, 0x28, 10, 0xc3, 0xa9, 10)
  assert.equal(blobl(['root = content()'], input).stdout, '\xff\0\xc3(\n\xc3\xa9\n')
  assert.equal(blobl(['root = content().encode("hex")'], input).stdout, 'ff00c328\nc3a9\n')
})

test('metadata set by a mapping is visible to the next line', () => {
  const mapping = 'root = @last.or("none")\nmeta last = content().string()'
  assert.equal(blobl([mapping], 'a\nb\nc\n').stdout, 'none\na\nb\n')
})

for (const threads of ['1', '2']) {
  test(`a line that is too long ends the command, in ${threads} threads`, () => {
    const long = `{"a":1}\n${'x'.repeat(70_000)}\n{"a":2}\n`
    const refused = blobl(['-t', threads, 'root = this.a'], long)
    assert.deepEqual(refused, { status: 1, stdout: '1\n', stderr: 'bufio.Scanner: token too long\n' })
    const allowed = blobl(['-t', threads, '--max-token-length', '70001', 'root = content().length()'], long)
    assert.deepEqual(allowed, { status: 0, stdout: '7\n70000\n7\n', stderr: '' })
    assert.equal(blobl(['-t', threads, '--max-token-length', '70000', 'root = 1'], long).status, 1)
  })

  test(`a reader that has enough ends the command quietly, in ${threads} threads`, async () => {
    const child = spawn(program, ['blobl', '-t', threads, 'root = this'], { cwd: folder, stdio: 'pipe' })
    const ended = once(child, 'exit')
    child.stdin.on('error', () => undefined)
    let complaints = ''
    child.stderr.on('data', chunk => (complaints += chunk))
    child.stdout.once('data', () => child.stdout.destroy())
    const feed = Buffer.from('{"a":1}\n'.repeat(10_000))
    while (child.exitCode === null && child.signalCode === null) {
      if (!child.stdin.write(feed)) await Promise.race([once(child.stdin, 'drain').catch(() => undefined), ended])
    }
    assert.deepEqual(await ended, [141, null])
    assert.equal(complaints, '')
  })

  test(`reading stops while the results are not taken, in ${threads} threads`, async () => {
    const child = spawn(program, ['blobl', '-t', threads, 'root = this'], { cwd: folder, stdio: 'pipe' })
    child.stdin.on('error', () => undefined)
    const feed = Buffer.from('{"a":1}\n'.repeat(8192))
    let taken = 0
    const push = () => {
      child.stdin.write(feed, error => {
        if (error) return
        taken += feed.length
        push()
      })
    }
    push()
    const limit = 8 * 1024 * 1024
    let before = -1
    while (taken !== before && taken < limit) {
      before = taken
      await wait(700)
    }
    child.kill()
    await once(child, 'exit')
    assert(taken > 0 && taken < limit, `${taken} bytes were taken`)
  })

  test(`each line is answered as it comes, in ${threads} threads`, async () => {
    const child = spawn(program, ['blobl', '-t', threads, 'root = this.a'], { cwd: folder, stdio: 'pipe' })
    for (const n of [1, 2, 3]) {
      child.stdin.write(`{"a":${n}}\n`)
      const [chunk] = await once(child.stdout, 'data')
      assert.equal(String(chunk), `${n}\n`)
    }
    child.stdin.end()
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
}

test('maps nest thousands deep, including side by side', () => {
  const mapping = `map down { root = if this == 0 { "ground" } else { (this - 1).apply("down") } }
root = this.apply("down")`
  assert.equal(blobl([mapping], '4000\n').stdout, 'ground\n')
  assert.equal(blobl(['-t', '2', mapping], '4000\n').stdout, 'ground\n')
})

test('reports command-line errors', () => {
  const told = (...args: string[]) => {
    const { status, stderr, stdout } = blobl(args)
    assert.equal(status, 1)
    assert.equal(stdout, '')
    return stderr.split('\n')[0]
  }
  assert.equal(told('--nope', 'root = this'), 'Incorrect Usage: flag provided but not defined: -nope')
  assert.equal(told('-t', 'many', 'root = this'), 'Incorrect Usage: invalid value "many" for flag -t: parse error')
  assert.equal(told('-f'), 'Incorrect Usage: flag needs an argument: -f')
  assert.equal(told('-f', 'x', 'y'), 'invalid flags, unable to execute both a file mapping and an inline mapping')
  assert.equal(told('-f', 'none.blobl'), 'failed to read mapping file: open none.blobl: no such file or directory')
  assert.equal(told(), 'failed to parse mapping: line 1 char 1: expected import, map, or assignment')
})

test('common flags may precede the name of the command', () => {
  writeFileSync(join(folder, 'some.env'), 'GREETING=hello\n')
  const words = ['--chilled', '-e', 'some.env', 'blobl', '-r', 'root = env("GREETING") + content().string()']
  const { stdout } = spawnSync(program, words, { input: ' you\n', cwd: folder, encoding: 'utf8' })
  assert.equal(stdout, 'hello you\n')
})

test('a folder cannot be read as lines', () => {
  const stdin = openSync(folder, 'r')
  for (const threads of ['1', '2']) {
    const stdio = [stdin, 'pipe', 'pipe'] as const
    const { status, stderr } = spawnSync(program, ['blobl', '-t', threads, 'root = this'], { stdio: [...stdio] })
    assert.equal(status, 1)
    assert.equal(stderr.toString(), 'read /dev/stdin: is a directory\n')
  }
})

const browserPath = process.env['PENSTOCK_CHROMIUM'] ?? '/usr/bin/chromium'
const missing =
  existsSync(browserPath) || process.env['CI'] !== undefined
    ? false
    : `${browserPath} is missing; install it with: sudo apt-get install -y chromium`

test('the page shows results and errors while typing, and writes the files', { skip: missing }, async () => {
  const [inputFile, mappingFile] = [join(folder, 'input.json'), join(folder, 'mapping.blobl')]
  writeFileSync(inputFile, '{"name":"gate"}')
  const words = ['blobl', 'server', '-n', '-p', '0', '-w', '--input-file', inputFile, '-m', mappingFile]
  const server = spawn(program, words, { cwd: folder, stdio: 'pipe' })
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', error => complaints.push(error.message))
    await page.goto(await addressOf(server))
    const [mapping, message, result] = ['Mapping', 'Message', 'Result'].map(label => page.getByLabel(label))
    assert.equal(await message!.inputValue(), '{"name":"gate"}')
    assert.equal(existsSync(mappingFile), false)
    await mapping!.fill('root.shout = this.name.uppercase()')
    await page.getByText('"shout": "GATE"').waitFor()
    await message!.fill('{"name":"pipe"}')
    await page.getByText('"shout": "PIPE"').waitFor()
    await mapping!.fill('root.shout = this.name.shoutcase()')
    await page.getByText("unrecognised method 'shoutcase'").waitFor()
    const told = await result!.textContent()
    assert.match(told!, /line 1 char 35.*\n {2}\|\n1 \| root\.shout = this\.name\.shoutcase\(\)\n {2}\| +\^---$/)
    await mapping!.fill('root = this.missing.uppercase()')
    await page.getByText('expected string value, got null').waitFor()
    assert.equal(readFileSync(mappingFile, 'utf8'), 'root = this.missing.uppercase()')
    assert.equal(readFileSync(inputFile, 'utf8'), '{"name":"pipe"}')
    assert.deepEqual(complaints, [])
  } finally {
    await browser.close()
    server.kill('SIGINT')
  }
  assert.deepEqual(await once(server, 'exit'), [0, null])
})

async function addressOf(server: ChildProcess): Promise<string> {
  let out = ''
  for await (const chunk of server.stdout!.iterator({ destroyOnReturn: false })) {
    out += String(chunk)
    const address = /http:\S+/.exec(out)?.[0]
    if (address !== undefined && out.endsWith('\n')) return address
  }
  throw new Error(`the server ended: ${out}`)
}
