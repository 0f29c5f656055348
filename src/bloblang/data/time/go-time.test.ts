import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MappingError } from '../../errors.ts'
import { Timestamp } from '../../value.ts'
import { parseDuration } from './duration.ts'
import { RFC3339_NANO, formatLayout, formatRfc3339 } from './format.ts'
import { parseTime } from './parse.ts'
import { roundTimestamp } from './timestamp.ts'
import { loadZone } from './zone.ts'

/** Cases recorded from Go's package time, stored outside the project; the test is skipped without them. */
const VECTORS = new URL('../../../../../shared/vectors/go_stdlib.jsonl', import.meta.url)

interface Vector {
  readonly kind: string
  readonly layout: string
  readonly time: string
  readonly zone: string
  readonly in: string
  readonly by: string
  readonly out: string
  readonly ns: string
  readonly error: string | null
}

test('times are parsed, formatted and rounded as in Go', { skip: !existsSync(VECTORS) }, () => {
  const failures: string[] = []
  let count = 0
  for (const line of readFileSync(VECTORS, 'utf8').split('\n')) {
    if (!/"kind":"(?:time_|parse_duration)/.test(line)) continue
    const vector: Vector = JSON.parse(line)
    count++
    const expected = vector.error ?? (vector.kind === 'parse_duration' ? vector.ns : vector.out)
    const got = answer(vector)
    if (got !== expected) failures.push(`${line}\n  got ${got}`)
  }
  assert.deepEqual(failures, [])
  assert.ok(count > 100)
})

test('zones print the abbreviations of the tz database', () => {
  const at = (zone: string, time: string) => {
    const { unixNanos } = parseTime(RFC3339_NANO, time)
    return formatLayout(new Timestamp(unixNanos, loadZone(zone)), '2006-01-02 15:04:05 MST -0700')
  }
  assert.equal(at('America/New_York', '2020-01-15T12:00:00Z'), '2020-01-15 07:00:00 EST -0500')
  assert.equal(at('America/New_York', '2020-07-15T12:00:00Z'), '2020-07-15 08:00:00 EDT -0400')
  assert.equal(at('America/Sao_Paulo', '2020-01-15T12:00:00Z'), '2020-01-15 09:00:00 -03 -0300')
  assert.equal(at('Asia/Kathmandu', '2020-01-15T12:00:00Z'), '2020-01-15 17:45:00 +0545 +0545')
  assert.equal(at('Europe/London', '2020-07-15T12:00:00Z'), '2020-07-15 13:00:00 BST +0100')
  assert.equal(at('Asia/Tokyo', '2020-07-15T12:00:00Z'), '2020-07-15 21:00:00 JST +0900')
})

test('the error for an unknown zone names it', () => {
  assert.throws(() => loadZone('Mars/Olympus'), new MappingError('unknown time zone Mars/Olympus'))
  assert.throws(() => loadZone('america/new_york'), new MappingError('unknown time zone america/new_york'))
})

function answer(vector: Vector): string {
  try {
    switch (vector.kind) {
      case 'time_format': {
        const { unixNanos, zone } = parseTime(RFC3339_NANO, vector.time)
        return formatLayout(new Timestamp(unixNanos, vector.zone === '' ? zone : loadZone(vector.zone)), vector.layout)
      }
      case 'time_parse':
        return formatRfc3339(parseTime(vector.layout, vector.in))
      case 'time_round':
        return formatRfc3339(roundTimestamp(parseTime(RFC3339_NANO, vector.in), parseDuration(vector.by)))
      default:
        return String(parseDuration(vector.in))
    }
  } catch (error) {
    if (error instanceof MappingError) return error.message
    throw error
  }
}
