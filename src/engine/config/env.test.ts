import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDotEnv, substituteEnv } from './env.ts'

const variables: Readonly<Record<string, string>> = { NAME: 'value', EMPTY: '', LINES: 'a\nb' }
const substitute = (text: string) => substituteEnv(text, name => variables[name])

test('a variable is replaced by its value anywhere in the text', () => {
  assert.equal(substitute('a: ${NAME} # ${NAME}').text, 'a: value # value')
})

test('a default replaces a variable that is unset or empty', () => {
  assert.equal(substitute('${NOPE:a:b} ${EMPTY:c} ${NAME:d}').text, 'a:b c value')
})

test('a default may contain an interpolation', () => {
  assert.equal(substitute('${NOPE:${!json("a")}}').text, '${!json("a")}')
})

test('an unset variable without a default is reported by name', () => {
  assert.deepEqual(substitute('${NOPE} ${NADA}'), { text: ' ', missing: ['NOPE', 'NADA'] })
})

test('a variable that only occurs in comments is not reported', () => {
  assert.deepEqual(substitute('# ${NOPE}\na: b # ${NADA}\nc:\n  - d#${NONE}\n  #- ${NIL}').missing, ['NONE'])
  assert.deepEqual(substitute('# ${NOPE}\na: ${NOPE}').missing, ['NOPE'])
})

test('a # inside a string does not start a comment', () => {
  const text = `a: "x # \${QUOTED}"\nb: 'y # \${SINGLE}'\nc: |\n  # \${BLOCK}\nd: { e: z#\${GLUED} } # \${COMMENT}\n`
  assert.deepEqual(substitute(text).missing, ['QUOTED', 'SINGLE', 'BLOCK', 'GLUED'])
})

test('double braces escape a reference', () => {
  assert.equal(substitute('${{NAME:x}}').text, '${NAME:x}')
})

test('line breaks in values are escaped', () => {
  assert.equal(substitute('${LINES}').text, 'a\\nb')
})

test('interpolations are left unchanged', () => {
  assert.equal(substitute('${! json("a") } $NAME ${}').text, '${! json("a") } $NAME ${}')
})

test('a dotenv file sets variables, with quotes and comments', () => {
  const parsed = parseDotEnv('# all\nA=1\nexport B="x\\ny" # why\nC=\'$z\'\nD=plain # not this\n')
  assert.deepEqual(
    [...parsed],
    [
      ['A', '1'],
      ['B', 'x\ny'],
      ['C', '$z'],
      ['D', 'plain'],
    ],
  )
})
