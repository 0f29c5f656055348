import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'
import { schemaOfSources } from './link.ts'
import { MAX_DEPTH } from './limits.ts'
import { parseProto } from './parse.ts'
import { portOf } from '../../../test/servers/ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-protobuf-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'schema/deep'), { recursive: true })
writeFileSync(
  join(folder, 'schema/house.proto'),
  `syntax = "proto3";
package testing;
import "deep/person.proto";
import "google/protobuf/any.proto";
message House {
  message Mailbox { string color = 1; message Flag { bool is_up = 1; } Flag flag = 2; }
  repeated testing.Person people = 1;
  Mailbox mailbox = 3;
  google.protobuf.Any content = 4;
}
`,
)
writeFileSync(
  join(folder, 'schema/deep/person.proto'),
  `syntax = "proto3";
package testing;
import "google/protobuf/timestamp.proto";
message Person { string first_name = 1; int64 id = 2; google.protobuf.Timestamp last_updated = 3; Person boss = 4; optional int32 age = 5; map<string, int32> tags = 6; oneof kind { string a = 7; int32 b = 8; } repeated int32 packed = 9; }
`,
)

const schema = join(folder, 'schema')
const protobuf = (operator: string, message: string, more: object = { import_paths: [schema] }) =>
  JSON.stringify({ protobuf: { operator, message, ...more } })
const both = (message: string, more?: object) =>
  `try: [ ${protobuf('from_json', message, more)}, ${protobuf('to_json', message, more)} ]`

test('files import each other by their paths below the folder', async () => {
  const document =
    '{"people":[{"firstName":"a","id":"9007199254740993","lastUpdated":"2020-01-01T00:00:00.500Z"}],"mailbox":{"color":"red"}}'
  assert.deepEqual(await bodiesOf(both('testing.House'), [document]), [document])
})

test('an Any holds types at any depth, and those of Google', async () => {
  const documents = [
    '{"content":{"@type":"type.googleapis.com/testing.House.Mailbox.Flag","isUp":true}}',
    '{"content":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}}',
  ]
  assert.deepEqual(await bodiesOf(both('testing.House'), documents), documents)
})

test('a message that cannot be converted stays as it was', async () => {
  assert.deepEqual(
    await errorsOf(protobuf('from_json', 'testing.Person'), ['{"firstName":5}', 'nope', '{"ageFoo":1}', ' ']),
    [
      `failed to unmarshal JSON message 'testing.Person': proto: (line 1:14): invalid value for string field firstName: 5`,
      `failed to unmarshal JSON message 'testing.Person': proto: syntax error (line 1:1): invalid value nope`,
      `failed to unmarshal JSON message 'testing.Person': proto: (line 1:2): unknown field "ageFoo"`,
      `failed to unmarshal JSON message 'testing.Person': proto: syntax error (line 1:2): unexpected token `,
    ],
  )
  assert.deepEqual(await errorsOf(protobuf('to_json', 'testing.Person'), ['\u000f']), [
    `failed to unmarshal protobuf message 'testing.Person': proto: cannot parse invalid wire-format data`,
  ])
})

test('nesting is bounded both ways', async () => {
  const nested = (depth: number) => '{"boss":'.repeat(depth) + '{}' + '}'.repeat(depth)
  const [fine] = await bodiesOf(both('testing.Person'), [nested(MAX_DEPTH - 1)])
  assert.equal(fine, nested(MAX_DEPTH - 1))
  const [error] = await errorsOf(protobuf('from_json', 'testing.Person'), [nested(100_000)])
  assert.match(error!, /exceeded max recursion depth$/)
  // Each level is preceded by its length, so the bytes are built from the innermost level outwards.
  let bytes = Buffer.alloc(0)
  for (let depth = 0; depth < 2000; depth++) bytes = Buffer.concat([Buffer.from([0x22]), varint(bytes.length), bytes])
  const [outcome] = await processed(protobuf('to_json', 'testing.Person'), [bytes])
  assert.match(outcome!.error!, /exceeded max recursion depth$/)
  // Unknown groups are skipped, and may be nested as well.
  const [groups] = await processed(protobuf('to_json', 'testing.Person'), [Buffer.alloc(1_000_000, 0x2b)])
  assert.match(groups!.error!, /exceeded max recursion depth$/)
  const discarding = protobuf('from_json', 'testing.Person', { import_paths: [schema], discard_unknown: true })
  const [skipped] = await errorsOf(discarding, [`{"x":${'['.repeat(100_000)}`])
  assert.match(skipped!, /exceeded max recursion depth$/)
})

test('forged lengths allocate nothing', async () => {
  const lies = [
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x1a, 0x05, 0x08],
    [0x09, 0x00],
  ]
  for (const lie of lies) {
    const [outcome] = await processed(protobuf('to_json', 'testing.Person'), [Buffer.from(lie)])
    assert.match(outcome!.error!, /cannot parse invalid wire-format data$/)
  }
})

test('a stream with an invalid schema does not start, and the error gives the position', async () => {
  const broken: readonly (readonly [source: string, reason: string])[] = [
    ['syntax = "proto3";\nmessage A {\n  strin a = 1;\n}', 'f.proto:3:3: field A.a: unknown type strin'],
    ['syntax = "proto3";\nmessage A { string a = 1 }', 'f.proto:2:26: syntax error: unexpected "}", expecting ";"'],
    [
      'message A { optional int32 a = 1; optional int32 b = 1; }',
      'f.proto:1:35: message A: fields a and b both have the same tag 1',
    ],
    ['import "x.proto";', 'f.proto:1:1: could not resolve import "x.proto": there is no such file'],
    ['message A {}\nmessage A {}', 'f.proto:2:1: symbol "A" already defined at f.proto'],
    ['syntax = "proto4";', 'f.proto:1:10: syntax "proto4" is not supported, only "proto2" and "proto3"'],
    ['message A { optional int32 a = 19000; }', 'f.proto:1:32: 19000 cannot be the number of a field'],
    ['message A { map<double, int32> a = 1; }', 'f.proto:1:17: "double" cannot be the key of a map'],
    ['message A { string a = 1;', 'f.proto:1:26: syntax error: unexpected end of file'],
    ['message A { oneof x { repeated int32 a = 1; } }', 'f.proto:1:23: a field of a oneof cannot be repeated'],
    ['message A #', 'f.proto:1:11: invalid character "#"'],
    [`${'message A { '.repeat(1000)}`, 'f.proto:1:769: nested more than 64 levels deep'],
  ]
  for (const [source, reason] of broken) {
    assert.throws(() => schemaOfSources(new Map([['f.proto', source]])), { message: reason }, source)
  }
  const file = join(folder, 'broken.proto')
  writeFileSync(file, 'message A { optional B b = 1; }')
  await assert.rejects(
    processed(protobuf('to_json', 'A', { import_paths: [file] }), ['']),
    /broken\.proto:1:13: field A\.b: unknown type B/,
  )
  await assert.rejects(
    processed(protobuf('to_json', 'Nobody'), ['']),
    /unable to find message 'Nobody' definition within/,
  )
  await assert.rejects(
    processed(protobuf('to_json', 'A', { import_paths: [join(folder, 'missing')] }), ['']),
    /no such file or directory/,
  )
})

test('a type is found from the innermost scope outwards, and only in what is imported', () => {
  const sources = new Map([
    [
      'a.proto',
      'package x; import "b.proto"; message T {} message A { message T {} optional T inner = 1; optional .x.T outer = 2; optional y.U u = 3; }',
    ],
    ['b.proto', 'package x.y; import public "c.proto"; message B {}'],
    ['c.proto', 'package x.y; message U {}'],
    ['d.proto', 'message D { optional x.T t = 1; }'],
  ])
  assert.throws(
    () => schemaOfSources(sources),
    /d\.proto:1:13: field D\.t: unknown type x\.T; x\.T is in "a\.proto", which is not imported/,
  )
  sources.delete('d.proto')
  const fields = schemaOfSources(sources).messages.get('x.A')!.fields
  assert.deepEqual(
    fields.map(({ message }) => message?.fullName),
    ['x.A.T', 'x.T', 'x.y.U'],
  )
})

test('keywords may be names, and options, services and comments are skipped', () => {
  const { messages } = parseProto(
    'f.proto',
    `syntax = "proto2"; /* c */ option java_package = "a" 'b'; option (x.y).z = { a: 1 b { c: "}" } };
    service S { rpc Do (M) returns (stream M) { option (http) = { get: "/x" }; } }
    message M { // end
      option (my) = -1.5; optional string message = 1 [default = "]", deprecated = true]; optional int32 optional = 2;
      repeated string reserved = 3; reserved 4 to 6, 9; reserved "a"; extensions 100 to max; required bool map = 7; optional bytes oneof = 0x0A;
      extend M { optional group Grp = 101 { optional int32 a = 1; } }
    }`,
  )
  assert.deepEqual(
    messages[0]!.fields.map(({ name, number }) => [name, number]),
    [
      ['message', 1],
      ['optional', 2],
      ['reserved', 3],
      ['map', 7],
      ['oneof', 10],
    ],
  )
})

test('editions choose what differs between proto2 and proto3', async () => {
  const file = join(folder, 'edition.proto')
  writeFileSync(
    file,
    `edition = "2023"; option features.repeated_field_encoding = EXPANDED;
    message E {
      int32 shown = 1; int32 hidden = 2 [features.field_presence = IMPLICIT]; repeated int32 list = 3;
      E inner = 4 [features.message_encoding = DELIMITED];
    }`,
  )
  const [outcome] = await processed(protobuf('from_json', 'E', { import_paths: [file] }), [
    '{"shown":0,"hidden":0,"list":[1,2],"inner":{}}',
  ])
  assert.deepEqual([...outcome!.bytes], [0x08, 0, 0x18, 1, 0x18, 2, 0x23, 0x24])
})

// The two files above, as written by `protoc --include_imports --descriptor_set_out`.
const DESCRIPTORS = Buffer.from(
  [
    'Cv8BCh9nb29nbGUvcHJvdG9idWYvdGltZXN0YW1wLnByb3RvEg9nb29nbGUucHJvdG9idWYiOwoJVGltZXN0YW1wEhgKB3NlY29uZHMYASABKANS',
    'B3NlY29uZHMSFAoFbmFub3MYAiABKAVSBW5hbm9zQoUBChNjb20uZ29vZ2xlLnByb3RvYnVmQg5UaW1lc3RhbXBQcm90b1ABWjJnb29nbGUuZ29s',
    'YW5nLm9yZy9wcm90b2J1Zi90eXBlcy9rbm93bi90aW1lc3RhbXBwYvgBAaICA0dQQqoCHkdvb2dsZS5Qcm90b2J1Zi5XZWxsS25vd25UeXBlc2IG',
    'cHJvdG8zCqoDChFkZWVwL3BlcnNvbi5wcm90bxIHdGVzdGluZxofZ29vZ2xlL3Byb3RvYnVmL3RpbWVzdGFtcC5wcm90byLiAgoGUGVyc29uEh0K',
    'CmZpcnN0X25hbWUYASABKAlSCWZpcnN0TmFtZRIOCgJpZBgCIAEoA1ICaWQSPQoMbGFzdF91cGRhdGVkGAMgASgLMhouZ29vZ2xlLnByb3RvYnVm',
    'LlRpbWVzdGFtcFILbGFzdFVwZGF0ZWQSIwoEYm9zcxgEIAEoCzIPLnRlc3RpbmcuUGVyc29uUgRib3NzEhUKA2FnZRgFIAEoBUgBUgNhZ2WIAQES',
    'LQoEdGFncxgGIAMoCzIZLnRlc3RpbmcuUGVyc29uLlRhZ3NFbnRyeVIEdGFncxIOCgFhGAcgASgJSABSAWESDgoBYhgIIAEoBUgAUgFiEhYKBnBh',
    'Y2tlZBgJIAMoBVIGcGFja2VkGjcKCVRhZ3NFbnRyeRIQCgNrZXkYASABKAlSA2tleRIUCgV2YWx1ZRgCIAEoBVIFdmFsdWU6AjgBQgYKBGtpbmRC',
    'BgoEX2FnZWIGcHJvdG8zCuQBChlnb29nbGUvcHJvdG9idWYvYW55LnByb3RvEg9nb29nbGUucHJvdG9idWYiNgoDQW55EhkKCHR5cGVfdXJsGAEg',
    'ASgJUgd0eXBlVXJsEhQKBXZhbHVlGAIgASgMUgV2YWx1ZUJ2ChNjb20uZ29vZ2xlLnByb3RvYnVmQghBbnlQcm90b1ABWixnb29nbGUuZ29sYW5n',
    'Lm9yZy9wcm90b2J1Zi90eXBlcy9rbm93bi9hbnlwYqICA0dQQqoCHkdvb2dsZS5Qcm90b2J1Zi5XZWxsS25vd25UeXBlc2IGcHJvdG8zCtACCgto',
    'b3VzZS5wcm90bxIHdGVzdGluZxoRZGVlcC9wZXJzb24ucHJvdG8aGWdvb2dsZS9wcm90b2J1Zi9hbnkucHJvdG8igQIKBUhvdXNlEicKBnBlb3Bs',
    'ZRgBIAMoCzIPLnRlc3RpbmcuUGVyc29uUgZwZW9wbGUSMAoHbWFpbGJveBgDIAEoCzIWLnRlc3RpbmcuSG91c2UuTWFpbGJveFIHbWFpbGJveBIu',
    'Cgdjb250ZW50GAQgASgLMhQuZ29vZ2xlLnByb3RvYnVmLkFueVIHY29udGVudBptCgdNYWlsYm94EhQKBWNvbG9yGAEgASgJUgVjb2xvchIvCgRm',
    'bGFnGAIgASgLMhsudGVzdGluZy5Ib3VzZS5NYWlsYm94LkZsYWdSBGZsYWcaGwoERmxhZxITCgVpc191cBgBIAEoCFIEaXNVcGIGcHJvdG8z',
  ].join(''),
  'base64',
)

const PERSON = '{"firstName":"a","id":"1","boss":{},"age":0,"tags":{"x":1,"y":2},"b":0,"packed":[1,2]}'

test('a descriptor set is equivalent to its source files', async () => {
  const file = join(folder, 'house.binpb')
  writeFileSync(file, DESCRIPTORS)
  const documents = [`{"people":[${PERSON}]}`]
  const more = { import_paths: [file] }
  assert.deepEqual(await bodiesOf(both('testing.House', more), documents), documents)
  assert.deepEqual(
    (await processed(protobuf('from_json', 'testing.House', more), documents)).map(({ bytes }) => bytes),
    (await processed(protobuf('from_json', 'testing.House'), documents)).map(({ bytes }) => bytes),
  )
  writeFileSync(file, DESCRIPTORS.subarray(0, 100))
  await assert.rejects(
    processed(protobuf('to_json', 'testing.House', more), ['']),
    /cannot parse invalid wire-format data/,
  )
})

test('types come from a schema registry of Buf', async () => {
  const requests: { readonly head: string; readonly authorization: string | undefined; readonly body: string }[] = []
  let status = 200
  const server = createServer((request: IncomingMessage, response) => {
    void buffer(request).then(body => {
      requests.push({
        head: `${request.method} ${request.url} ${request.headers['content-type']}`,
        authorization: request.headers.authorization,
        body: body.toString('latin1'),
      })
      // Field 1 of the response is the descriptor set, field 2 the version.
      const answer = Buffer.concat([
        Buffer.from([0x0a]),
        varint(DESCRIPTORS.length),
        DESCRIPTORS,
        Buffer.from('\x12\x02v1'),
      ])
      response.writeHead(status, { 'content-type': 'application/proto' })
      response.end(status === 200 ? answer : '{"code":"unauthenticated"}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const port = portOf(server)
    const more = { bsr: [{ module: 'testing', url: `http://127.0.0.1:${port}`, api_key: 'secret', version: 'main' }] }
    assert.deepEqual(await bodiesOf(both('testing.Person', more), [PERSON]), [PERSON])
    const request = {
      head: 'POST /buf.reflect.v1beta1.FileDescriptorSetService/GetFileDescriptorSet application/proto',
      authorization: 'Bearer secret',
      body: '\n\x07testing\x12\x04main',
    }
    assert.deepEqual(requests, [request, request])
    status = 401
    await assert.rejects(
      processed(protobuf('to_json', 'testing.Person', more), ['']),
      /failed to fetch module testing: .* responded 401 .*unauthenticated/,
    )
    const bad = { bsr: [{ module: 'testing' }] }
    await assert.rejects(
      processed(protobuf('to_json', 'testing.Person', bad), ['']),
      /could not parse module testing, expected three segments/,
    )
  } finally {
    server.close()
  }
})

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
