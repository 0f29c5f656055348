// Checks that the dashboard in deploy/grafana only queries series that a stream exports, by labels that they have.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { loadConfig, MetricsService, parseStream, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const path = join(import.meta.dirname, '../../../deploy/grafana/pipelines.json')
const dashboard = JSON.parse(readFileSync(path, 'utf8')) as { readonly panels: readonly Panel[] } // checked below

/** PromQL keywords and functions, which are not series. */
const words = new Set(['sum', 'max', 'rate', 'increase', 'by'])

/** The names of series in an expression, with the labels that it matches or groups by. */
function seriesOf(expr: string): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  const groupings = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/))
  const bare = expr.replace(/\bby \([^)]*\)/g, '').replace(/\[[^\]]*\]/g, '')
  return [...bare.matchAll(/([a-z_]+)(\{[^}]*\})?/g)]
    .filter(([, name]) => !words.has(name!))
    .map(([, name, selector = '']) => {
      const matched = [...selector.matchAll(/([a-z_]+)(?:=~|=)/g)].map(([, label]) => label!)
      return { name: name!, labels: [...new Set([...groupings, ...matched])].filter(label => label !== 'instance') }
    })
}

/** The series on a page, with the labels of each. */
function seriesIn(page: string): ReadonlyMap<string, ReadonlySet<string>> {
  const series = new Map<string, Set<string>>()
  for (const [, name, labels = ''] of page.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? /gm)) {
    const known = series.get(name!) ?? new Set()
    for (const [, label] of labels.matchAll(/([a-z_]+)="/g)) known.add(label!)
    series.set(name!, known)
  }
  return series
}

/** The output of `/metrics` after a stream with all kinds of components has run. */
async function pageOfStream(): Promise<string> {
  const registry = createRegistry()
  const node = await loadConfig(
    `input: { generate: { mapping: 'root.n = counter()', count: 5, interval: '' } }
pipeline:
  processors:
    - cache: { resource: c, operator: set, key: k, value: v }
    - rate_limit: { resource: r }
    - mapping: 'root = if this.n == 3 { throw("no") }'
output: { drop: {} }
cache_resources: [ { label: c, memory: {} } ]
rate_limit_resources: [ { label: r, local: {} } ]
metrics: { prometheus: { add_process_metrics: true } }`,
    registry,
  )
  const common = { registry, host: systemHost, clock: systemClock, log: nullLog }
  const figures = { cpuSeconds: 1, residentBytes: 2, virtualBytes: 3, startedAtSeconds: 4, openFiles: 5 }
  const { metrics: config } = parseStream(node, common)
  const service = await MetricsService.open(config, { ...common, processFigures: () => figures })
  const stream = await startStream(node, { ...common, metrics: service.metrics })
  await stream.done
  const { text } = service.page!()
  await service.close()
  return text
}

test('every series that the dashboard queries exists, with its labels', async () => {
  const series = seriesIn(await pageOfStream())
  const asked = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.flatMap(({ expr }) => seriesOf(expr).map(each => ({ title, ...each }))),
  )
  assert.ok(asked.length > 20)
  for (const { title, name, labels } of asked) {
    const known = series.get(name)
    assert.ok(known !== undefined, `${title}: there is no series ${name}`)
    for (const label of labels) assert.ok(known.has(label), `${title}: ${name} has no label ${label}`)
  }
})

test('legends name labels that their queries keep', () => {
  for (const { title, targets = [] } of dashboard.panels) {
    for (const { expr, legendFormat } of targets) {
      const kept = expr.includes(' by (') ? (/\bby \(([^)]*)\)/.exec(expr)![1] ?? '').split(/,\s*/) : ['instance']
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(kept.includes(label!), `${title}: ${label} is not kept by ${expr}`)
    }
  }
})

test('panels have unique ids and do not overlap', () => {
  const { panels } = dashboard
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  )
  assert.equal(new Set(cells).size, cells.length)
})
