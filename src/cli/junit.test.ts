import assert from 'node:assert/strict'
import { test } from 'node:test'
import { junitXml } from './junit.ts'

test('writes results as the XML that continuous integration reads', () => {
  const xml = junitXml([
    {
      path: 'a.yaml',
      lints: ['(1,2) field <x> not recognised'],
      cases: [
        { name: 'fine', line: 7, failures: [], durationMs: 12.3 },
        { name: 'says "no" & more', line: 9, failures: ['first\n  second', '\u0000third'], durationMs: 0 },
      ],
    },
    { path: 'b.yaml', lints: [], cases: [], error: 'yaml: line 1' },
  ])
  assert.equal(
    xml,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="2" errors="1">
  <testsuite name="a.yaml" tests="3" failures="2" errors="0" time="0.012">
    <testcase name="lint" classname="a.yaml" file="a.yaml" line="1" time="0.000"><failure message="(1,2) field &#60;x&#62; not recognised">(1,2) field &#60;x&#62; not recognised</failure></testcase>
    <testcase name="fine" classname="a.yaml" file="a.yaml" line="7" time="0.012"/>
    <testcase name="says &#34;no&#34; &#38; more" classname="a.yaml" file="a.yaml" line="9" time="0.000"><failure message="first">first
  second
\uFFFDthird</failure></testcase>
  </testsuite>
  <testsuite name="b.yaml" tests="1" failures="0" errors="1" time="0.000">
    <testcase name="configuration" classname="b.yaml" file="b.yaml" line="1" time="0.000"><error message="yaml: line 1"/></testcase>
  </testsuite>
</testsuites>
`,
  )
})
