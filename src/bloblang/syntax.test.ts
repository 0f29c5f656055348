import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const TEXTS = [
  String.raw`root = "\xff"`,
  String.raw`root = "\xe2\x82\xac\xf0\x9f\x98\x80"`,
  String.raw`root = "\xff\u00e9" < "b"`,
  'root = "a\ud800😀"',
  String.raw`root = {"\xff": 1, "😀": 2, "\uffff": 3}.keys(`,
  'root = this.a.uppercas()',
]

/** The diagnostics of all texts, with or without the globals that browsers lack. */
function diagnosed(prelude: string): string {
  const script = `${prelude}
    const { checkInterpolation, checkMapping, formatMapping, tokenize } = await import(${JSON.stringify(new URL('./syntax.ts', import.meta.url).href)})
    const seen = text => [checkMapping(text), formatMapping(text), checkInterpolation('\${! ' + text + ' }'), tokenize(text)]
    console.log(JSON.stringify(${JSON.stringify(TEXTS)}.map(seen)))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(stderr, '')
  return stdout
}

test('diagnostics are the same in a browser, which has no Buffer', () => {
  const told = diagnosed('')
  assert.match(told, /did you mean|unrecognised method/)
  assert.equal(diagnosed('delete globalThis.Buffer'), told)
})
