import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDotEnv, substituteEnv } from './env.ts'

const variables: Readonly<Record<string, string>> = { NAME: 'value', EMPTY: '', LINES: 'a\nb' }
const substitute = (text: string) => substituteEnv(text, name => variables[name])

test('a variable stands for its value anywhere in the text', () => {
  assert.equal(substitute('a: ${NAME} # ${NAME}').text, 'a: value # value')
})

test('a default takes the place of a variable that is not set or empty', () => {
  assert.equal(substitute('${NOPE:a:b} ${EMPTY:c} ${NAME:d}').text, 'a:b c value')
})

test('a default may hold an interpolation', () => {
  assert.equal(substitute('${NOPE:${!json("a")}}').text, '${!json("a")}')
})

test('a variable without default that is not set is named', () => {
  assert.deepEqual(substitute('${NOPE} ${NADA}'), { text: ' ', missing: ['NOPE', 'NADA'] })
})

test('a variable that only comments name is not missing', () => {
  assert.deepEqual(substitute('# ${NOPE}\na: b # ${NADA}\nc:\n  - d#${NONE}\n  #- ${NIL}').missing, ['NONE'])
  assert.deepEqual(substitute('# ${NOPE}\na: ${NOPE}').missing, ['NOPE'])
})

test('a # within a text begins no comment', () => {
  const text = `a: "x # \${QUOTED}"\nb: 'y # \${SINGLE}'\nc: |\n  # \${BLOCK}\nd: { e: z#\${GLUED} } # \${COMMENT}\n`
  assert.deepEqual(substitute(text).missing, ['QUOTED', 'SINGLE', 'BLOCK', 'GLUED'])
})

test('two braces keep a reference from being resolved', () => {
  assert.equal(substitute('${{NAME:x}}').text, '${NAME:x}')
})

test('line breaks in values do not break the configuration', () => {
  assert.equal(substitute('${LINES}').text, 'a\\nb')
})

test('interpolations are left alone', () => {
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
