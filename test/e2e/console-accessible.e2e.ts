// Every page, dialog and menu of the console, wide and narrow, light and dark: axe finds nothing, and nothing is wider
// than the window.
import { after, before, test } from 'node:test'
import {
  choose,
  chooseMore,
  expectAccessible,
  missingBrowser as missing,
  type OpenConsole,
  openConsole,
} from './browser.ts'
import { Api, freePorts, type PipelineUnderTest, produce, type Started, startProgram } from './support.ts'

/** The longest name that Kafka allows. */
const longTopic = `orders.${'by-region-and-customer.'.repeat(10)}v1`

const generator = (topic: string) => `input:
  generate:
    interval: 1s
    mapping: root.id = uuid_v4()
output:
  kafka_franz_warpstream:
    topic: ${topic}
`

let playground: Started
let opened: OpenConsole
let pipeline: PipelineUnderTest

before(async () => {
  if (missing !== false) return
  playground = await startProgram(['playground', ...freePorts])
  const api = await Api.connect(playground)
  const cluster = { virtual_cluster_id: api.clusterId }
  await api.call('create_topic', { ...cluster, topic_name: longTopic, partition_count: 3 })
  await produce(playground.kafkaAddress, longTopic, ['plain', '{"id":12345678901234567890}', 'x'.repeat(900_000)])
  await api.call('reset_consumer_group_offsets', {
    ...cluster,
    consumer_group_id: 'nightly',
    topic_name: longTopic,
    to: 'latest',
  })
  await api.call('create_virtual_cluster_credentials', { ...cluster, credentials_name: 'shop' })
  await api.call('virtual_clusters/acls/create', {
    ...cluster,
    acl: {
      resource_type: 'TOPIC',
      resource_name: longTopic,
      pattern_type: 'PREFIXED',
      principal: `User:${'x'.repeat(80)}`,
      host: '*',
      operation: 'DESCRIBE_CONFIGS',
      permission_type: 'DENY',
    },
  })
  pipeline = await api.createPipeline('events', generator('first'))
  await pipeline.save(generator('second'))
  await pipeline.until('it sends', ({ counters }) => counters.output_sent > 0)
  opened = await openConsole(playground.consoleUrl)
  await opened.page.getByRole('heading', { level: 1 }).waitFor()
})

after(async () => {
  if (missing !== false) return
  await opened?.close()
  await playground?.stop()
})

type Opening = readonly [what: string, open: () => Promise<void>]

const button = (name: string | RegExp) => () => opened.page.getByRole('button', { name }).first().click()
const key = (name: string) => () => opened.page.keyboard.press(name)
const more = (item: string): Opening => [`${item} dialog`, () => chooseMore(opened.page, item)]

/** A page, and what is opened on it in turn; Escape closes each. */
interface Place {
  readonly path: () => string
  readonly openings: readonly Opening[]
}

const ofPipeline =
  (search = '') =>
  () =>
    `/pipelines/${pipeline.ids.pipeline_id}${search}`
const topic = `/topics/${longTopic}`

const places: Readonly<Record<string, Place>> = {
  overview: {
    path: () => '/',
    openings: [
      ['theme menu', button('Theme')],
      ['cluster menu', button(/^Cluster /)],
      ['palette', key('Control+k')],
      ['shortcuts', key('?')],
    ],
  },
  topics: { path: () => '/topics', openings: [['create', key('n')]] },
  messages: {
    path: () => topic,
    openings: [
      ['message', button(/^Open the message/)],
      ['produce', button('Produce')],
      ['menu', button('More')],
      more('Delete topic…'),
    ],
  },
  partitions: { path: () => `${topic}?tab=partitions`, openings: [['add', button('Add partitions')]] },
  settings: { path: () => `${topic}?tab=configuration`, openings: [['change', button(/^Change /)]] },
  pipelines: { path: () => '/pipelines', openings: [['create', key('n')]] },
  pipeline: {
    path: ofPipeline(),
    openings: [
      ['examples', button('Examples')],
      ['gallery', () => choose(opened.page, 'Examples', 'More examples…')],
      ['menu', button('More')],
      more('Rename…'),
      more('Duplicate…'),
      more('Delete pipeline…'),
    ],
  },
  comparison: { path: ofPipeline('?version=1&compare=0'), openings: [] },
  activity: { path: ofPipeline('?tab=activity'), openings: [] },
  consumers: { path: () => '/consumers', openings: [] },
  consumer: {
    path: () => '/consumers/nightly',
    openings: [['menu', button('More')], more('Reset offsets…'), more('Delete group…')],
  },
  agents: { path: () => '/agents', openings: [] },
  users: {
    path: () => '/security',
    openings: [
      ['create', key('n')],
      ['delete', button(/^Delete ccn_/)],
    ],
  },
  acls: {
    path: () => '/security?tab=acls',
    openings: [
      ['create', key('n')],
      ['delete', button(/^Delete: User/)],
    ],
  },
  'settings of the cluster': {
    path: () => '/settings',
    openings: [
      ['menu', button('More')],
      more('Rename…'),
      more('Delete cluster…'),
      ['change', button(/^Change num/)],
      ['tags', button('Edit tags')],
    ],
  },
  clusters: { path: () => '/clusters', openings: [['create', key('n')]] },
  'API keys': {
    path: () => '/api-keys',
    openings: [
      ['create', key('n')],
      ['delete', button(/^Delete akn_/)],
    ],
  },
  'a page that does not exist': { path: () => '/nowhere', openings: [] },
}

/** A dialog, a menu, or an expanded row of a table. */
const inFront = '[role=dialog], [role=menu], tr:has([aria-expanded=true]) + tr'

/** The focus returns to the button that opened something; something opened by a key has no such button. */
function needsOpener(what: string): boolean {
  return /menu|dialog|change|tags|add|produce|delete/.test(what)
}

for (const [name, { path, openings }] of Object.entries(places)) {
  test(`axe finds nothing on ${name} or in its dialogs`, { skip: missing }, async () => {
    const { page } = opened
    await page.goto(new URL(path(), page.url()).href)
    await page.locator('h1').waitFor()
    await expectAccessible(page, name)
    for (const [what, open] of openings) {
      await open()
      await page.locator(inFront).first().waitFor()
      await expectAccessible(page, `${name}, ${what}`, inFront)
      await page.keyboard.press('Escape')
      await page.locator('[role=dialog], [role=menu]').waitFor({ state: 'detached' })
      if (needsOpener(what)) await page.locator('button:focus').waitFor()
    }
  })
}

test('axe finds nothing on an agent, a draft, the question before it is lost, and the sign-in page', {
  skip: missing,
}, async () => {
  const { page } = opened
  await page.goto(new URL('/agents', page.url()).href)
  await page.getByRole('table', { name: 'Agents' }).getByRole('link').first().click()
  await page.getByRole('table', { name: 'Pipelines on this agent' }).waitFor()
  await expectAccessible(page, 'agent')

  await page.goto(new URL(ofPipeline()(), page.url()).href)
  const editor = page.getByRole('textbox', { name: 'Configuration' })
  await editor.click()
  await page.keyboard.type('broken: [')
  await page.getByRole('region', { name: 'Findings' }).getByRole('button').first().waitFor()
  await expectAccessible(page, 'draft')
  await page.getByRole('link', { name: 'Version 0' }).click()
  await page.getByRole('dialog').waitFor()
  await expectAccessible(page, 'discard')
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sign in to Penstock' }).waitFor()
  await expectAccessible(page, 'sign-in')
})
