// What a hostile pipeline attempts against its host and against the control plane itself.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Api, eventually, freePorts, type Started, startProgram } from './support.ts'

let standalone: Started
let api: Api
let folder: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-sandbox-'))
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  standalone = await startProgram(['standalone', ...freePorts, `-dataDir=${folder}/data`], { SECRET: 'secret' })
  api = await Api.connect(standalone)
})

after(async () => {
  assert.equal(await standalone.stop(), 0)
  rmSync(folder, { recursive: true })
})

const generate = { generate: { mapping: 'root = {}', count: 1 } }
const through = (...processors: readonly unknown[]) => ({
  input: generate,
  pipeline: { processors },
  output: { drop: {} },
})
const resource = (kind: string, body: object) => ({
  ...through({ cache: { resource: 'c', operator: 'get', key: 'k' } }),
  [`${kind}_resources`]: [{ label: 'c', ...body }],
})

/** Configurations that try to reach outside, by target. `secret`: a file; `keys`: the control plane's database. */
function tries(secret: string, keys: string, consolePort: string): Readonly<Record<string, object>> {
  const sqlite = { driver: 'sqlite', dsn: `file:${keys}` }
  const select = { table: 'api_keys', columns: ['*'] }
  const http = (url: string, more: object = {}) => through({ http: { url, retries: 0, ...more } })
  return {
    'a file as input': { input: { file: { paths: [secret] } }, output: { drop: {} } },
    'a table as input': { input: { csv: { paths: [secret] } }, output: { drop: {} } },
    'a program as input': { input: { subprocess: { name: 'id' } }, output: { drop: {} } },
    'a file as output': { input: generate, output: { file: { path: `${secret}.new` } } },
    'a program as output': { input: generate, output: { subprocess: { name: 'sh' } } },
    'a program as processor': through({ command: { name: 'id' } }),
    'a program that keeps running': through({ subprocess: { name: 'cat' } }),
    'a file as processor': through({ file: { operation: 'delete', path: secret } }),
    'a folder as cache': resource('cache', { file: { directory: folder } }),
    'the keys by a SQL input': {
      input: { sql_raw: { ...sqlite, query: 'SELECT * FROM api_keys' } },
      output: { drop: {} },
    },
    'the keys by a SQL select': { input: { sql_select: { ...sqlite, ...select } }, output: { drop: {} } },
    'the keys by a SQL processor': through({ sql_raw: { ...sqlite, query: 'SELECT * FROM api_keys' } }),
    'the keys by a SQL select processor': through({ sql_select: { ...sqlite, ...select, args_mapping: 'root = []' } }),
    'an insert of a key by a processor': through({ sql_insert: { ...sqlite, ...select, args_mapping: 'root = []' } }),
    'an insert of a key by an output': {
      input: generate,
      output: { sql_insert: { ...sqlite, ...select, args_mapping: 'root = []' } },
    },
    'a statement by an output': { input: generate, output: { sql_raw: { ...sqlite, query: 'DELETE FROM api_keys' } } },
    'the keys by a SQL cache': resource('cache', {
      sql: { ...sqlite, table: 'api_keys', key_column: 'id', value_column: 'secret' },
    }),
    'statements in a file': through({
      sql_raw: { driver: 'sqlite', dsn: ':memory:', query: 'SELECT 1', init_files: [secret] },
    }),
    'a database as buffer': { input: generate, buffer: { sqlite: { path: keys } }, output: { drop: {} } },
    'a file in a mapping': through({ mapping: `root = file("${secret}")` }),
    'a file in a branch': through({ branch: { request_map: `root = file("${secret}")`, processors: [] } }),
    'a variable in a mapping': through({ mapping: 'root = env("SECRET")' }),
    'a variable in an interpolation': through({ log: { message: '${! env("SECRET") }' } }),
    'a variable in the configuration': through({ mapping: 'root = "${SECRET}"' }),
    'an import of a mapping': through({ mapping: `import "${secret}"` }),
    'a GeoIP database': through({ mapping: `root = "1.1.1.1".geoip_city("${secret}")` }),
    'a schema in a file': through({ json_schema: { schema_path: `file://${secret}` } }),
    'certificates in a file': http('https://example.com', { tls: { enabled: true, root_cas_file: secret } }),
    'a script in a file': through({ javascript: { file: secret } }),
    'a local socket': { input: { socket: { network: 'unix', address: `${folder}/x.sock` } }, output: { drop: {} } },
    'standard input by default': { output: { drop: {} } },
    'standard output by default': { input: generate },
    'the control plane by address': http(`http://127.0.0.1:${consolePort}/api/v1/list_api_keys`),
    'the control plane by name': http(`http://localhost:${consolePort}/api/v1/list_api_keys`),
    'the control plane by a number': http(`http://2130706433:${consolePort}/api/v1/list_api_keys`),
  }
}

describe('a pipeline without grants', () => {
  test('every attempt is refused on save, with its position and the grant that would allow it', async () => {
    const all = tries(`${folder}/secret.txt`, `${folder}/data/control.db`, new URL(standalone.consoleUrl).port)
    assert.equal(Object.keys(all).length, 35)
    const accepted: string[] = []
    for (const [name, config] of Object.entries(all)) {
      const ids = { virtual_cluster_id: api.clusterId }
      const { pipeline_id } = await api.call('create_pipeline', { ...ids, pipeline_name: name.replaceAll(/\W/g, '_') })
      const yaml = JSON.stringify(config, null, 2)
      const { status, text } = await api.post('create_pipeline_configuration', {
        ...ids,
        pipeline_id,
        configuration_yaml: yaml,
      })
      if (status === 200) accepted.push(name)
      else assert.match(text, /line \d+ column \d+: .*-pipelinesGrant/, name)
    }
    assert.deepEqual(accepted, [])
  })

  test('a running pipeline cannot reach the control plane under any other name of this machine', async () => {
    const { port } = new URL(standalone.consoleUrl)
    const processors = [{ http: { url: `http://${hostname()}:${port}/`, retries: 0 } }]
    const config = {
      input: { generate: { mapping: 'root = {}', interval: '100ms' } },
      pipeline: { processors },
      output: { drop: {} },
    }
    const pipeline = await api.createPipeline('by_name', JSON.stringify(config))
    await eventually(
      'its log says why',
      () => api.call('read_pipeline_logs', pipeline.ids),
      ({ lines }) => JSON.stringify(lines).includes('managed pipelines may not connect'),
    )
  })
})

describe('a pipeline with grants', () => {
  test('uses what is granted: files, a variable, a program, a database and the network', async () => {
    const data = join(folder, 'granted')
    mkdirSync(data)
    writeFileSync(join(data, 'in.txt'), 'one\ntwo\n')
    const grants = `files=${data},database_files=${data},env=PIPELINE_*,processes=tr,network=localhost`
    const args = ['playground', ...freePorts, `-pipelinesGrant=${grants}`]
    const playground = await startProgram(args, { PIPELINE_SUFFIX: '!' })
    try {
      const own = await Api.connect(playground)
      const database = { driver: 'sqlite', dsn: `file:${data}/x.db` }
      const config = {
        input: { file: { paths: [`${data}/*.txt`] } },
        pipeline: {
          threads: 1,
          processors: [
            { mapping: 'root = content().string() + env("PIPELINE_SUFFIX") + "${PIPELINE_SUFFIX}"' },
            { command: { name: 'tr', args_mapping: 'root = [ "a-z", "A-Z" ]' } },
            { sql_raw: { ...database, query: 'SELECT ? AS text', args_mapping: 'root = [ content().string() ]' } },
            {
              branch: {
                processors: [{ http: { url: `${playground.agentUrl}/v1/status`, verb: 'GET' } }],
                result_map: '',
              },
            },
            { mapping: 'root = this.0.text' },
          ],
        },
        output: { file: { path: `${data}/out/lines` } },
      }
      await own.createPipeline('granted', JSON.stringify(config))
      const read = () => readFileSync(join(data, 'out/lines'), { encoding: 'utf8', flag: 'a+' })
      mkdirSync(join(data, 'out'))
      await eventually(
        'it has written',
        async () => read(),
        text => text === 'ONE!!\nTWO!!\n',
      )
    } finally {
      assert.equal(await playground.stop(), 0)
    }
  })
})
