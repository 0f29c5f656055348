import assert from 'node:assert/strict'
import test from 'node:test'
import { prometheusFamily, prometheusSample } from './prometheus.ts'

test('labels are sorted, with quotes, backslashes and line breaks escaped', () => {
  assert.equal(
    prometheusSample('a_total', { path: 'c:\\x', label: 'say "hi"\n' }, 3),
    'a_total{label="say \\"hi\\"\\n",path="c:\\\\x"} 3',
  )
  assert.equal(prometheusSample('a_total', {}, 'NaN'), 'a_total NaN')
})

test('a metric has its help and type before its samples, and is omitted without samples', () => {
  assert.equal(
    prometheusFamily('a_total', 'counter', 'Counts a.', ['a_total 1']),
    '# HELP a_total Counts a.\n# TYPE a_total counter\na_total 1\n',
  )
  assert.equal(prometheusFamily('a_total', 'counter', 'Counts a.', []), '')
})
