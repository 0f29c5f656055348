import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLockFile } from './lock-file.ts'

const complete = {
  '': { dependencies: { tool: '1.0.0' } },
  'node_modules/tool': { integrity: 'sha512-a', optionalDependencies: { 'tool-linux': '1.0.0' } },
  'node_modules/tool/node_modules/tool-linux': { integrity: 'sha512-b' },
}

test('a lock file with all packages of all platforms has no findings', () => {
  assert.deepEqual(checkLockFile(complete), [])
})

test("reports a platform's package that npm omitted", () => {
  const { 'node_modules/tool/node_modules/tool-linux': _, ...incomplete } = complete
  assert.match(checkLockFile(incomplete).join(), /node_modules\/tool needs tool-linux/)
})

test("reports a registry's address and a missing hash", () => {
  const findings = checkLockFile({
    ...complete,
    'node_modules/tool': { resolved: 'https://registry.example/tool.tgz' },
  })
  assert.match(findings.join('\n'), /names the registry https:\/\/registry.example/)
  assert.match(findings.join('\n'), /node_modules\/tool has no hash/)
})
