import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { checkTable, findingsOf } from './layers.ts'

test('the check uses the table in ARCHITECTURE.md', () => {
  const architecture = readFileSync('ARCHITECTURE.md', 'utf8')
  assert.deepEqual(checkTable(architecture), [])
  const changed = architecture.replace('→ base, kafka, database\n', '→ base, kafka\n')
  assert.match(
    checkTable(changed).join(),
    /metadata is said to import base, kafka, and may import base, kafka, database/,
  )
})

test('reports an import that violates the table or bypasses the index.ts of a folder', () => {
  const imports = (from: string) => `import { a } from '${from}'\n`
  assert.match(findingsOf('src/engine/a.ts', imports('../broker/index.ts')).join(), /engine may not import broker/)
  assert.match(findingsOf('src/engine/a.ts', imports('../base/clock.ts')).join(), /import base through its door/)
  assert.match(findingsOf('src/engine/a.ts', imports('../../tools/check.ts')).join(), /from outside src/)
  assert.deepEqual(findingsOf('src/engine/a.ts', imports('../base/index.ts')), [])
})

test("reports a component that imports another vendor's", () => {
  const found = (from: string) => findingsOf('src/components/sql/output.sql_raw.ts', `import { a } from '${from}'\n`)
  assert.match(found('../redis/client.ts').join(), /sql may not import src\/components\/redis\/client.ts/)
  assert.match(found('../pure/processor.mapping.ts').join(), /sql may not import/)
  assert.deepEqual([...found('./drivers.ts'), ...found('../aws/session.ts'), ...found('../pure/expression.ts')], [])
})
