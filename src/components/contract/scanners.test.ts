// Runs the contract suite on every scanner without special requirements.
import { gzipSync } from 'node:zlib'
import { scannerContract } from '../scanner.suite.ts'

const bytes = (text: string) => Buffer.from(text)
const never = 'it takes any bytes'

scannerContract('chunker', {
  config: 'chunker: { size: 4 }',
  bytes: bytes('onetwothre'),
  bodies: ['onet', 'woth', 're'],
  broken: never,
})
scannerContract('csv', {
  config: 'csv: {}',
  bytes: bytes('a,b\n1,"x\ny"\n2,z'),
  bodies: ['{"a":"1","b":"x\\ny"}', '{"a":"2","b":"z"}'],
  broken: {
    bytes: bytes('a,b\n1,2\n1,2,3\n4,5\n'),
    bodies: ['{"a":"1","b":"2"}'],
    error: /wrong number of fields/,
  },
})
scannerContract('decompress', {
  config: 'decompress: { algorithm: gzip, into: { lines: {} } }',
  bytes: gzipSync('one\ntwo\nthree'),
  bodies: ['one', 'two', 'three'],
  empty: /./,
  broken: { bytes: gzipSync('one\ntwo').subarray(0, -8), bodies: [], error: /./ },
})
scannerContract('json_documents', {
  config: 'json_documents: {}',
  bytes: bytes('{"a":1}{"b":[2,3]}\n[{"c":"}"}]'),
  bodies: ['{"a":1}', '{"b":[2,3]}', '[{"c":"}"}]'],
  broken: { bytes: bytes('{"a":1}{"b":'), bodies: ['{"a":1}'], error: /./ },
})
scannerContract('lines', {
  config: 'lines: {}',
  bytes: bytes('one\r\nt\u00ebo\n\nthree'),
  bodies: ['one', 't\u00ebo', '', 'three'],
  broken: never,
})
scannerContract('re_match', {
  config: "re_match: { pattern: '(?m)^[0-9]+:' }",
  bytes: bytes('1: one\n  more\n2: two\n'),
  bodies: ['1: one\n  more\n', '2: two\n'],
  broken: never,
})
scannerContract('skip_bom', {
  config: 'skip_bom: { into: { lines: {} } }',
  bytes: bytes('\uFEFFone\ntwo'),
  bodies: ['one', 'two'],
  broken: never,
})
scannerContract('switch', {
  config: 'switch: [ { re_match_name: "^other", scanner: { to_the_end: {} } }, { scanner: { lines: {} } } ]',
  bytes: bytes('one\ntwo'),
  bodies: ['one', 'two'],
  broken: never,
})
scannerContract('tar', {
  config: 'tar: {}',
  bytes: tarOf({ a: 'one', b: 'two' }),
  bodies: ['one', 'two'],
  broken: { bytes: tarOf({ a: 'one' }).fill(0x39, 124, 130), bodies: [], error: /./ },
})
scannerContract('to_the_end', {
  config: 'to_the_end: {}',
  bytes: bytes('all\nof it'),
  bodies: ['all\nof it'],
  empty: [''],
  broken: never,
})

/** A minimal tar archive as specified by POSIX. */
function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512)
    header.write(name)
    header.write('0000644\0', 100)
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('        0ustar\x0000', 148)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const body = Buffer.alloc(512)
    body.write(text)
    return [header, body]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}
