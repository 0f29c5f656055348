// A new user's first minutes in the console, in a real browser with the real program: create, save, run, edit, deploy,
// roll back, pause, and read exactly what is wrong. Everything is found as users find it, by role and label.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, type TestContext, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import {
  choose,
  chooseMore,
  missingBrowser as missing,
  type OpenConsole,
  openConsole,
  section,
  Walk,
} from './browser.ts'
import { freePorts, type Started, startProgram } from './support.ts'

const generator = `input:
  generate:
    count: 1000
    interval: 1s
    mapping: |
      root = if random_int() % 2 == 0 {
        { "type": "foo", "foo": "xyz" }
      } else {
        { "type": "bar", "bar": "abc" }
      }
output:
  kafka_franz_warpstream:
    topic: "bento_test"
warpstream:
  cluster_concurrency_target: 1
`

const unheard = `input:
  generate:
    interval: 100ms
    mapping: root = "x"
pipeline:
  processors:
    - mapping: root = throw("not today")
output:
  reject_errored:
    drop: {}
`

/** The longest name that Kafka allows: it must not break any page. */
const longTopic = `orders.${'by-region-and-customer.'.repeat(10)}v1`

let playground: Started
let opened: OpenConsole
let page: Page
const walk = new Walk(() => page)
const step = (t: TestContext, name: string, run: () => Promise<void>) => walk.step(t, name, run)

before(async () => {
  if (missing !== false) return
  playground = await startProgram(['playground', ...freePorts])
  opened = await openConsole(playground.consoleUrl)
  page = opened.page
})

after(async () => {
  if (missing !== false) return
  await opened?.close()
  if (playground?.child.exitCode === null) await playground.stop()
})

test('the sign-in link opens the overview and leaves no token in the address', { skip: missing }, t =>
  step(t, 'overview', async () => {
    await page.getByRole('heading', { level: 1, name: 'vcn_default' }).waitFor()
    assert.equal(new URL(page.url()).search, '')
    await page.getByText('Healthy', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Copy the Kafka address' }).click()
    assert.match(await clipboard(), /^127\.0\.0\.1:\d+$/)
  }),
)

test('a first save is Version 0, deployed and paused', { skip: missing }, t =>
  step(t, 'first-save', async () => {
    await section(page, 'Pipelines').click()
    await page.getByRole('button', { name: 'Create pipeline' }).click()
    await page.getByLabel('Pipeline name').fill('events')
    await page.getByRole('dialog').getByRole('button', { name: 'Create pipeline' }).click()
    await page.getByRole('heading', { level: 1, name: 'events' }).waitFor()
    await everyExampleIsSound()
    await write(generator)
    await page.getByText('No findings').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await version(0).filter({ hasText: 'Deployed' }).waitFor()
    await expectState('Paused')
    assert.equal(await runSwitch().getAttribute('aria-checked'), 'false')
  }),
)

test('starting the pipeline runs it, and its topic shows its messages', { skip: missing }, t =>
  step(t, 'running', async () => {
    await runSwitch().click()
    await expectState('Running')
    await version(0).filter({ hasText: 'Running' }).waitFor()
    await section(page, 'Topics').click()
    await page.getByRole('link', { name: 'bento_test', exact: true }).click()
    await page.getByRole('switch', { name: 'Follow new messages' }).click()
    const messages = page.getByRole('table', { name: 'Messages' })
    await messages
      .getByText(/"(foo":"xyz|bar":"abc)"/)
      .first()
      .waitFor()
    await messages
      .getByRole('button', { name: /^Open the message/ })
      .first()
      .click()
    await page
      .getByRole('region', { name: 'Value' })
      .getByText(/"(foo|bar)"/)
      .first()
      .waitFor()
  }),
)

test('an edit is saved as Version 1 while Version 0 keeps running', { skip: missing }, t =>
  step(t, 'second-version', async () => {
    await openPipeline()
    await editor().getByText('"bento_test"').click()
    await page.keyboard.press('End')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.type('_2')
    assert.equal(await text(), generator.replace('bento_test', 'bento_test_2'))
    await page.keyboard.press('Control+s')
    await version(1).waitFor()
    await page.getByText('Version 1 is not deployed; Version 0 is, and it is the one that runs.').waitFor()
    assert.match(await version(0).innerText(), /Deployed[\s\S]*Running/)
    assert.doesNotMatch(await version(1).innerText(), /Deployed|Running/)
  }),
)

test('deploying Version 1 creates its topic; deploying Version 0 rolls back', { skip: missing }, t =>
  step(t, 'deploy', async () => {
    await version(1).click()
    await page.getByRole('button', { name: 'Deploy' }).click()
    await version(1).filter({ hasText: 'Deployed' }).filter({ hasText: 'Running' }).waitFor()
    await section(page, 'Topics').click()
    await page.getByRole('link', { name: 'bento_test_2', exact: true }).waitFor()

    await openPipeline()
    await version(0).click()
    assert.equal(await text(), generator)
    await page.getByRole('button', { name: 'Deploy' }).click()
    await version(0).filter({ hasText: 'Deployed' }).filter({ hasText: 'Running' }).waitFor()
    assert.doesNotMatch(await version(1).innerText(), /Deployed/)
  }),
)

test('two versions can be compared and deployed from the comparison, and Escape closes it', { skip: missing }, t =>
  step(t, 'compare', async () => {
    await version(1).click()
    await page.getByRole('button', { name: 'Compare' }).click()
    const comparison = page.getByRole('region', { name: 'Comparison' })
    await comparison.getByText('"bento_test"').waitFor()
    await comparison.getByText('"bento_test_2"').waitFor()
    await comparison.getByRole('button', { name: 'Deploy Version 1' }).click()
    await version(1).filter({ hasText: 'Deployed' }).waitFor()
    await page.keyboard.press('Escape')
    await comparison.waitFor({ state: 'detached' })
    await version(0).click()
    await page.getByRole('button', { name: 'Deploy' }).click()
    await version(0).filter({ hasText: 'Deployed' }).filter({ hasText: 'Running' }).waitFor()
  }),
)

test('a draft is marked while it is edited, and can be discarded', { skip: missing }, t =>
  step(t, 'draft', async () => {
    const draft = page.locator('li[aria-current=true]').filter({ hasText: 'Changes to Version 0' })
    await editor().getByText('"bento_test"').click()
    await page.keyboard.type('x')
    await draft.waitFor()
    await page.getByRole('heading', { level: 2, name: 'Draft' }).waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    await draft.waitFor({ state: 'detached' })
    assert.equal(await text(), generator)

    // The same for a draft whose user opens the version that it changes, when the URL did not name that version.
    await openPipeline()
    await editor().getByText('"bento_test"').click()
    await page.keyboard.type('x')
    await version(0).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await draft.waitFor({ state: 'detached' })
    assert.equal(await text(), generator)
  }),
)

test('a pipeline is renamed while it runs, and duplicated', { skip: missing }, t =>
  step(t, 'duplicate', async () => {
    await chooseMore(page, 'Rename…')
    await page.getByLabel('Pipeline name').fill('renamed')
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('heading', { level: 1, name: 'renamed' }).waitFor()
    await expectState('Running')
    await chooseMore(page, 'Rename…')
    await page.getByLabel('Pipeline name').fill('events')
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click()

    await chooseMore(page, 'Duplicate…')
    await page.getByRole('dialog').getByRole('button', { name: 'Duplicate' }).click()
    await page.getByRole('heading', { level: 1, name: 'events-copy' }).waitFor()
    await version(0).filter({ hasText: 'Deployed' }).waitFor()
    assert.equal(await text(), generator)
    await expectState('Paused')
    await chooseMore(page, 'Delete pipeline…')
    await page.getByLabel('Type events-copy to confirm').fill('events-copy')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete pipeline' }).click()
    await openPipeline()
  }),
)

test('the letter that opens a form is not typed into it', { skip: missing }, t =>
  step(t, 'shortcut', async () => {
    await section(page, 'Topics').click()
    await page.getByRole('heading', { level: 1, name: 'Topics' }).click()
    await page.keyboard.press('n')
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), '')
    await page.getByLabel('Name', { exact: true }).fill(longTopic)
    await page.getByRole('dialog').getByRole('button', { name: 'Create topic' }).click()
    await page.getByRole('heading', { level: 1, name: longTopic }).waitFor()
    await page.goBack()
    await page.getByRole('table', { name: 'Topics' }).waitFor()
    assert.equal(await page.getByRole('dialog').count(), 0)
    await page.goForward()
    await page.getByRole('heading', { level: 1, name: longTopic }).waitFor()
  }),
)

test('messages are produced: with key and headers, a megabyte, binary', { skip: missing }, t =>
  step(t, 'produce', async () => {
    const produce = async (fields: { key?: string; form?: string; value: string }) => {
      await page.getByRole('button', { name: 'Produce' }).click()
      const dialog = page.getByRole('dialog')
      if (fields.key !== undefined) await dialog.getByLabel('Key').fill(fields.key)
      if (fields.form !== undefined) await dialog.getByRole('combobox', { name: 'Value is' }).selectOption(fields.form)
      await dialog.getByLabel('Value', { exact: true }).fill(fields.value)
      if (fields.key !== undefined) {
        await dialog.getByRole('button', { name: 'Add header' }).click()
        await dialog.getByLabel('Name of header 1').fill('trace')
        await dialog.getByLabel('Value of header 1').fill('t-1')
      }
      await dialog.getByRole('button', { name: 'Produce' }).click()
      await dialog.waitFor({ state: 'detached' })
    }
    await produce({ key: 'customer-7', form: 'JSON', value: '{"id":12345678901234567890}' })
    await page.getByRole('cell', { name: '{"id":12345678901234567890}' }).waitFor()
    await openMessage(0)
    await page.getByRole('region', { name: 'Headers' }).getByText('t-1').waitFor()

    await produce({ form: 'Base64', value: Buffer.from([0, 255, 16, 80, 69, 78]).toString('base64') })
    await openMessage(0)
    await page.getByRole('region', { name: 'Value in hex' }).getByText('00 ff 10 50 45 4e').waitFor()

    const long = 'x'.repeat(1_000_000 - 8)
    await produce({ value: `${long} the end` })
    await openMessage(0)
    await page.getByRole('button', { name: 'Only the beginning is shown: load all' }).click()
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save the value to a file' }).click()
    const file = await (await saved).path()
    assert.equal(readFileSync(file, 'utf8'), `${long} the end`)
    const value = page.getByRole('region', { name: 'Value as Text' })
    await value.focus()
    await page.keyboard.press('End')
    await value.getByText('the end').waitFor()
  }),
)

test('topic settings show their defaults and can be changed, and partitions can be added', { skip: missing }, t =>
  step(t, 'topic-settings', async () => {
    await page.getByRole('link', { name: 'Configuration' }).click()
    await page.getByLabel('Filter settings').fill('retention.ms')
    await page
      .getByRole('row', { name: /^retention\.ms/ })
      .getByText('Default')
      .waitFor()
    await page.getByRole('button', { name: 'Change retention.ms', exact: true }).click()
    await page.getByRole('dialog').getByLabel('Value').fill('soon')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await page.getByRole('dialog').getByLabel('Value').fill('60000')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('cell', { name: '60000' }).waitFor()
    await page.getByText('Set for this topic').first().waitFor()

    await page.getByRole('link', { name: 'Partitions' }).click()
    await page.getByRole('button', { name: 'Add partitions' }).click()
    await page.getByLabel('Partitions in total').fill('3')
    await page.getByRole('dialog').getByRole('button', { name: 'Add partitions' }).click()
    await page.getByRole('table', { name: 'Partitions' }).getByRole('link', { name: '2', exact: true }).waitFor()
  }),
)

test('its activity shows instances, counters and logs', { skip: missing }, t =>
  step(t, 'activity', async () => {
    await openPipeline()
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.getByRole('table', { name: 'Instances' }).getByText('Running').waitFor()
    await page.getByRole('log').waitFor()
    await page.getByRole('link', { name: 'Configuration' }).click()
  }),
)

/** A mapping with an error in each line, a second mapping in a branch, and an interpolation. */
const manyBroken = `input:
  generate:
    mapping: root = {}
pipeline:
  processors:
    - mapping: |
        root.a = nofunc()
        root.b = this.x.nomethod()
        root.c = "a".repeat()
        root.d = 1 +
    - branch:
        request_map: root = nope()
        processors: []
    - log:
        message: 'seen \${! nofunction() }'
output:
  drop: {}
`

const broken: readonly { readonly name: string; readonly text: string; readonly places: readonly string[] }[] = [
  {
    name: 'an unknown field',
    text: `# Kept, comments and all.\n${generator.replace('    topic:', '    topik: 1 # not a field\n    topic:')}`,
    places: ['Line 14, column 5'],
  },
  {
    name: 'an unknown component',
    text: generator.replace('generate:', 'genrate:'),
    places: ['Line 2, column 3'],
  },
  { name: 'broken YAML', text: `${generator}output: [1,\n`, places: [] },
  {
    name: 'a broken mapping',
    text: generator.replace('random_int() %', 'random_int( %'),
    places: ['Line 6, column '],
  },
  {
    name: 'many broken mappings',
    text: manyBroken,
    places: [
      'Line 7, column 18',
      'Line 8, column 25',
      'Line 9, column 30',
      'Line 10, column 21',
      'Line 12, column 29',
      'Line 15, column ',
    ],
  },
]

for (const { name, text: written, places } of broken) {
  test(`saving ${name} is refused with the position and changes nothing`, { skip: missing }, t =>
    step(t, `refused-${name.replaceAll(' ', '-')}`, async () => {
      await version(0).click()
      await write(written)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('alert').getByText('Not saved.').waitFor()
      const findings = page.getByRole('region', { name: 'Findings' }).getByRole('button')
      const finding = findings.first()
      assert.match(await finding.innerText(), /Line \d+, column \d+/)
      const found = (await findings.allInnerTexts()).join('\n')
      for (const place of places) assert.ok(found.includes(place), `${place} is not in ${found}`)
      await finding.click()
      await editor().and(page.locator(':focus')).waitFor()

      assert.equal(await text(), written, 'the text is kept exactly as typed')
      assert.equal(await page.getByRole('navigation', { name: 'Versions' }).getByRole('link').count(), 2)
      assert.match(await version(0).innerText(), /Deployed[\s\S]*Running/)
      await expectState('Running')

      // Leaving would lose the draft, so the console asks.
      await version(1).click()
      await page.getByRole('button', { name: 'Discard' }).click()
      await editor().getByText('"bento_test_2"').waitFor()
    }),
  )
}

test('pausing the pipeline stops it', { skip: missing }, t =>
  step(t, 'paused', async () => {
    await runSwitch().click()
    await expectState('Paused')
    await version(0).filter({ hasNotText: 'Running' }).waitFor()
    await page.getByText('0/0 instances').waitFor()
    assert.doesNotMatch(await page.locator('#content').innerText(), /\/s (in|out)/)
    await page.getByRole('link', { name: 'Activity' }).click()
    const counters = page.locator('dl[aria-label="Counters"]')
    await counters.getByText('Received').waitFor()
    assert.doesNotMatch(await counters.innerText(), /a second/)
  }),
)

test('a pipeline that delivers nothing is shown in red everywhere', { skip: missing }, t =>
  step(t, 'failing', async () => {
    const { pipeline_id } = await callApi('create_pipeline', { pipeline_name: 'unheard' })
    await callApi('create_pipeline_configuration', { pipeline_id, configuration_yaml: unheard })
    await callApi('change_pipeline_state', { pipeline_id, desired_state: 'running' })
    await section(page, 'Pipelines').click()
    await page.getByRole('row', { name: /^unheard Failing/ }).waitFor()
    await page
      .getByRole('group', { name: 'Show' })
      .getByRole('button', { name: /^Failing/ })
      .click()
    await page.getByRole('table', { name: 'Pipelines' }).getByRole('link', { name: 'unheard' }).click()
    await expectState('Failing')
    await version(0).filter({ hasText: 'Failing' }).waitFor()
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.getByRole('table', { name: 'Instances' }).getByText('Failing').waitFor()
    await page.getByText(/^Processors failed \d+ times/).waitFor()
    assert.equal(await page.locator('#content .bg-ok').count(), 0)
    await section(page, 'Pipelines').click()
    await callApi('delete_pipeline', { pipeline_id })
    await page.getByRole('link', { name: 'unheard' }).waitFor({ state: 'detached' })
  }),
)

test('the command palette opens any page by name', { skip: missing }, t =>
  step(t, 'palette', async () => {
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search and commands' }).fill('agents')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Agents' }).waitFor()
    await page.getByText('Alive', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.getByRole('heading', { level: 1, name: 'Consumers' }).waitFor()
  }),
)

test('a pipeline is deleted by typing its name', { skip: missing }, t =>
  step(t, 'delete', async () => {
    await openPipeline()
    await chooseMore(page, 'Delete pipeline…')
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete pipeline' })
    assert.ok(await confirm.isDisabled())
    await page.getByLabel('Type events to confirm').fill('events')
    await confirm.click()
    await page.getByText('No pipelines yet').waitFor()
  }),
)

test('a consumer group is reset and deleted', { skip: missing }, t =>
  step(t, 'consumer', async () => {
    await callApi('reset_consumer_group_offsets', {
      consumer_group_id: 'nightly',
      topic_name: longTopic,
      to: 'latest',
    })
    await section(page, 'Consumers').click()
    await page.getByRole('link', { name: 'nightly' }).click()
    const partition = page.getByRole('table', { name: 'Partitions' }).getByRole('row').nth(1)
    await partition.getByRole('cell', { name: '3', exact: true }).first().waitFor()
    await chooseMore(page, 'Reset offsets…')
    await page.getByRole('dialog').getByRole('combobox', { name: 'Move to' }).selectOption('offset')
    await page.getByRole('dialog').getByLabel('Offset', { exact: true }).fill('1')
    await page.getByRole('dialog').getByRole('button', { name: 'Reset offsets' }).click()
    await partition.getByRole('cell', { name: '2', exact: true }).waitFor()
    await chooseMore(page, 'Delete group…')
    await page.getByLabel('Type nightly to confirm').fill('nightly')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete group' }).click()
    await page.getByRole('heading', { level: 1, name: 'Consumers' }).waitFor()
    await page.getByRole('link', { name: 'nightly' }).waitFor({ state: 'detached' })
  }),
)

test('only the visible rows of a thousand pipelines are rendered, and each can be found', { skip: missing }, t =>
  step(t, 'thousand', async () => {
    for (let at = 0; at < 1000; at += 50) {
      const names = Array.from({ length: 50 }, (_, next) => `load-${at + next}`)
      await Promise.all(names.map(pipeline_name => callApi('create_pipeline', { pipeline_name })))
    }
    await section(page, 'Pipelines').click()
    const table = page.getByRole('table', { name: 'Pipelines' })
    await page.locator('table[aria-rowcount="1001"]').waitFor()
    const rendered = await table.getByRole('row').count()
    assert.ok(rendered > 10 && rendered < 100, `${rendered} rows are rendered`)
    await page.getByRole('button', { name: 'Name' }).click()
    await table.getByRole('link', { name: 'load-999' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('load-500')
    await table.getByRole('link', { name: 'load-500' }).click()
    await page.getByRole('heading', { level: 1, name: 'load-500' }).waitFor()
  }),
)

test('the browser reported no errors', { skip: missing }, () => assert.deepEqual(opened.complaints, []))

test('without its control plane, the console says so and keeps showing the last data', { skip: missing }, t =>
  step(t, 'unreachable', async () => {
    await playground.stop()
    await page.getByText('The control plane does not respond. This page may be out of date.').waitFor()
    // A page that was never opened is available nevertheless.
    await section(page, 'Settings').click()
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    await page.getByText('The control plane does not respond.').first().waitFor()
  }),
)

async function openPipeline(): Promise<void> {
  await section(page, 'Pipelines').click()
  await page.getByRole('link', { name: 'events', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'events' }).waitFor()
  await editor().waitFor()
}

function version(number: number): Locator {
  return page.getByRole('navigation', { name: 'Versions' }).getByRole('link', { name: `Version ${number}` })
}

function runSwitch(): Locator {
  return page.getByRole('switch', { name: 'Run the pipeline' })
}

function editor(): Locator {
  return page.getByRole('textbox', { name: 'Configuration' })
}

/** Calls the API as the signed-in page. */
async function callApi(
  name: string,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly pipeline_id?: string }> {
  const post = async (endpoint: string, data: unknown) => {
    const answer = await page.request.post(new URL(`/api/v1/${endpoint}`, page.url()).href, { data })
    assert.equal(answer.status(), 200, await answer.text())
    return answer.json()
  }
  const { default_virtual_cluster_id } = await post('describe_session', {})
  return post(name, { virtual_cluster_id: default_virtual_cluster_id, ...body })
}

/** Expands a message of the list to its key, headers and value. */
async function openMessage(at: number): Promise<void> {
  await page
    .getByRole('table', { name: 'Messages' })
    .getByRole('button', { name: /^Open the message/ })
    .nth(at)
    .click()
}

/** The state next to the pipeline's name. */
async function expectState(state: string): Promise<void> {
  await page.getByRole('heading', { level: 1 }).getByText(state, { exact: true }).waitFor()
}

/** Each example, unmodified, has no findings. */
async function everyExampleIsSound(): Promise<void> {
  await editor().waitFor()
  const cards = page.getByRole('region', { name: 'Examples' }).getByRole('button')
  const count = (await cards.count()) - 1 // the last card opens the gallery
  assert.ok(count >= 4)
  for (let at = 0; at < count; at++) {
    await page.getByRole('button', { name: 'Examples', exact: true }).click()
    await expectSound(page.getByRole('menuitem').nth(at))
  }
  await choose(page, 'Examples', 'More examples…')
  const gallery = page.getByRole('dialog', { name: 'Examples' })
  await gallery.getByLabel('Search').fill('with the reason')
  await expectSound(gallery.getByRole('button', { name: /^Dead letters/ }))
  await gallery.waitFor({ state: 'detached' })
  assert.match(await text(), /topic: payments\.failed/)
}

async function expectSound(example: Locator): Promise<void> {
  const name = await example.innerText()
  const checked = page.waitForResponse(response => response.url().endsWith('/lint_pipeline_configuration'))
  await example.click()
  const { findings } = await (await checked).json()
  assert.deepEqual(findings, [], name)
}

/** Pastes over everything, as a user would. */
async function write(yaml: string): Promise<void> {
  await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(yaml)})`)
  await editor().click()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Control+v')
}

/** Copies everything, as a user would. */
async function text(): Promise<string> {
  await editor().focus()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Control+c')
  const copied = await clipboard()
  await page.keyboard.press('ArrowRight')
  return copied
}

async function clipboard(): Promise<string> {
  return String(await page.evaluate('navigator.clipboard.readText()'))
}
