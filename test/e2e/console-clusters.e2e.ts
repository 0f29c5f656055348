// The console over a control plane with more than one virtual cluster: switching, creating, securing and deleting them.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import { chooseMore, missingBrowser as missing, type OpenConsole, openConsole, section, Walk } from './browser.ts'
import { program } from './support.ts'

let cluster: LocalCluster
let opened: OpenConsole
let page: Page
const walk = new Walk(() => page)
const step = (t: TestContext, name: string, run: () => Promise<void>) => walk.step(t, name, run)

before(async () => {
  if (missing !== false) return
  cluster = await startLocalCluster({
    agents: 1,
    controlPlanes: 1,
    database: 'sqlite',
    store: 'file',
    auth: 'none',
    program: [program],
    agentFlags: ['-availabilityZone=eu-1a'],
  })
  opened = await openConsole(`${cluster.controlPlanes[0]!.address}/?token=${cluster.apiKey}`)
  page = opened.page
})

after(async () => {
  if (missing !== false) return
  await opened?.close()
  await cluster?.close()
})

const dialog = () => page.getByRole('dialog')
const heading = (name: string) => page.getByRole('heading', { level: 1, name })

/** The cluster in the URL, which is the one that the pages show. */
function shownCluster(): string | null {
  return new URL(page.url()).searchParams.get('cluster')
}

test('an agent shows its roles and its zone', { skip: missing }, t =>
  step(t, 'agents-of-cluster', async () => {
    await section(page, 'Agents').click()
    const agent = page.getByRole('table', { name: 'Agents' }).getByRole('row').nth(1)
    await agent.getByText(/^proxy, jobs/).waitFor()
    await agent.getByText('eu-1a').waitFor()
  }),
)

test('a cluster is created, with the command that starts its first agent', { skip: missing }, t =>
  step(t, 'cluster-created', async () => {
    await section(page, 'Topics').click()
    await page.getByRole('button', { name: 'Create topic' }).click()
    await dialog().getByLabel('Name', { exact: true }).fill('of-the-first')
    await dialog().getByRole('button', { name: 'Create topic' }).click()
    await heading('of-the-first').waitFor()

    await section(page, 'Clusters').click()
    await page.getByRole('button', { name: 'Create cluster' }).click()
    await dialog().getByLabel('Name').fill('no good')
    await dialog().getByText('3 to 128 letters, digits and underscores.').waitFor()
    await dialog().getByLabel('Name').fill('second')
    await dialog().getByRole('button', { name: 'Create cluster' }).click()
    await dialog().getByRole('button', { name: 'Copy the command' }).click()
    const command = String(await page.evaluate('navigator.clipboard.readText()'))
    assert.match(command, /^penstock agent \\\n {2}-defaultVirtualClusterID vci_\w+ \\\n {2}-agentKey aks_\w+ \\/)
    await dialog().getByRole('button', { name: 'Done' }).click()
    await heading('vcn_second').waitFor()
    assert.equal(shownCluster(), /vci_\w+/.exec(command)?.[0])
    await page.getByText('No agents', { exact: true }).waitFor()
    await page.getByText('-agentKey $WARPSTREAM_AGENT_KEY').waitFor()
  }),
)

test('one cluster shows nothing of another, and the address contains the cluster', { skip: missing }, t =>
  step(t, 'clusters-apart', async () => {
    const second = shownCluster()
    await section(page, 'Pipelines').click()
    await page.getByText('No pipelines yet').waitFor()
    await page.getByRole('button', { name: 'Create pipeline' }).click()
    await page.getByLabel('Pipeline name').fill('of-the-second')
    await dialog().getByRole('button', { name: 'Create pipeline' }).click()
    await heading('of-the-second').waitFor()
    assert.equal(shownCluster(), second)
    await page.reload()
    await page.getByRole('textbox', { name: 'Configuration' }).waitFor()

    await page.getByRole('button', { name: 'Cluster vcn_second' }).click()
    await page.getByRole('menuitem', { name: 'All clusters' }).click()
    const others = page.getByRole('table', { name: 'Clusters' }).getByRole('link')
    assert.equal(await others.count(), 2)
    await others.filter({ hasNotText: 'vcn_second' }).click()
    await section(page, 'Topics').click()
    await page.getByRole('link', { name: 'of-the-first' }).waitFor()
    await section(page, 'Pipelines').click()
    await page.getByText('No pipelines yet').waitFor()
    assert.notEqual(shownCluster(), second)
  }),
)

test('a user is created; its password is shown once', { skip: missing }, t =>
  step(t, 'user', async () => {
    await section(page, 'Security').click()
    await page.getByRole('button', { name: 'Create user' }).click()
    await dialog().getByLabel('Name').fill('shop')
    await dialog().getByRole('switch', { name: 'Superuser' }).click()
    await dialog().getByRole('button', { name: 'Create user' }).click()
    await dialog().getByRole('button', { name: 'Copy the password' }).click()
    assert.match(String(await page.evaluate('navigator.clipboard.readText()')), /^ccp_\w+$/)
    await dialog().getByRole('button', { name: 'Done' }).click()
    await page
      .getByRole('row', { name: /^ccn_shop/ })
      .getByText('Superuser')
      .waitFor()
  }),
)

test(
  'an ACL is created and deleted; the page says that ACLs decide nothing while they are off',
  {
    skip: missing,
  },
  t =>
    step(t, 'acl', async () => {
      await page.getByText('ACLs are off: every client may do everything.').waitFor()
      await page.getByRole('link', { name: 'Access control' }).click()
      await page.getByRole('button', { name: 'Create ACL' }).click()
      await dialog().getByLabel('Principal').fill('User:ccn_shop')
      await dialog().getByRole('combobox', { name: 'Permission' }).selectOption('Deny')
      await dialog().getByRole('combobox', { name: 'Operation' }).selectOption('write')
      await dialog().getByRole('combobox', { name: 'Applies to' }).selectOption('Names that begin with it')
      await dialog().getByLabel('Resource name').fill('orders.')
      await dialog().getByRole('button', { name: 'Create ACL' }).click()
      const acl = page.getByRole('row', { name: /^User:ccn_shop/ })
      await acl.getByText('topics that begin with orders.', { exact: true }).waitFor()
      await acl.getByText('Deny', { exact: true }).waitFor()
      await acl
        .getByRole('button', { name: 'Delete: User:ccn_shop may not write: topics that begin with orders..' })
        .click()
      await dialog().getByRole('button', { name: 'Delete ACL' }).click()
      await page.getByText('No ACLs yet').waitFor()
    }),
)

test('settings of a cluster are changed: ACLs, defaults, tags, the name', { skip: missing }, t =>
  step(t, 'cluster-settings', async () => {
    await section(page, 'Settings').click()
    await page.getByRole('radio', { name: 'Shadow' }).click()
    await page.getByText('what the ACLs would deny is logged').waitFor()
    await page.getByRole('button', { name: 'Change num.partitions' }).click()
    await dialog().getByLabel('Value').fill('many')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog()
      .getByRole('alert')
      .getByText(/"many" is not a valid value/)
      .waitFor()
    await dialog().getByLabel('Value').fill('4')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await page
      .getByRole('row', { name: /^num\.partitions/ })
      .getByText('4', { exact: true })
      .waitFor()
    await page.getByText('what the ACLs would deny is logged').waitFor()

    await page.getByRole('button', { name: 'Edit tags' }).click()
    await dialog().getByRole('button', { name: 'Add tag' }).click()
    await dialog().getByLabel('Name of tag 1').fill('team')
    await dialog().getByLabel('Value of tag 1').fill('orders')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await page.getByRole('term').filter({ hasText: 'team' }).waitFor()

    await chooseMore(page, 'Rename…')
    await dialog().getByLabel('Name').fill('first')
    await dialog().getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('button', { name: 'Cluster vcn_first' }).waitFor()
  }),
)

test('an API key is created for one cluster and deleted', { skip: missing }, t =>
  step(t, 'api-key', async () => {
    await section(page, 'API keys').click()
    await page.getByRole('button', { name: 'Create key' }).click()
    await dialog().getByLabel('Name').fill('terraform')
    await dialog().getByRole('combobox', { name: 'For' }).selectOption('Read only')
    await dialog().getByRole('combobox', { name: 'Cluster' }).selectOption('vcn_second')
    await dialog().getByRole('button', { name: 'Create key' }).click()
    await dialog().getByRole('button', { name: 'Copy the key' }).click()
    await dialog().getByRole('button', { name: 'Done' }).click()
    const row = page.getByRole('row', { name: /^akn_terraform Read only vcn_second/ })
    await row.getByRole('button', { name: 'Delete akn_terraform' }).click()
    await dialog().getByLabel('Type akn_terraform to confirm').fill('akn_terraform')
    await dialog().getByRole('button', { name: 'Delete key' }).click()
    await row.waitFor({ state: 'detached' })
  }),
)

test('a protected cluster cannot be deleted, any other one by typing its name', { skip: missing }, t =>
  step(t, 'cluster-deleted', async () => {
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search and commands' }).fill('vcn_second')
    await page.keyboard.press('Enter')
    await heading('vcn_second').waitFor()
    await section(page, 'Settings').click()
    const protection = page.getByRole('switch', { name: 'Deletion protection' })
    await protection.click()
    await protection.and(page.locator('[data-state=checked]')).waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    await page
      .getByRole('menuitem', { name: /^Delete cluster…/ })
      .and(page.locator('[data-disabled]'))
      .waitFor()
    await page.keyboard.press('Escape')
    await protection.click()
    await protection.and(page.locator('[data-state=unchecked]')).waitFor()
    await chooseMore(page, 'Delete cluster…')
    await dialog().getByLabel('Type vcn_second to confirm').fill('vcn_second')
    await dialog().getByRole('button', { name: 'Delete cluster' }).click()
    await heading('Clusters').waitFor()
    await page.getByRole('link', { name: 'vcn_second' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Cluster vcn_first' }).waitFor()
  }),
)

test('the browser reported no errors', { skip: missing }, () => assert.deepEqual(opened.complaints, []))

test('an unknown cluster is reported as missing', { skip: missing }, t =>
  step(t, 'cluster-missing', async () => {
    await page.goto(new URL('/topics?cluster=vci_nowhere', page.url()).href)
    await heading('This cluster does not exist').waitFor()
    await page.getByRole('link', { name: /^Go to vcn_/ }).click()
    await heading('vcn_first').waitFor()
    await page.getByText('Healthy', { exact: true }).waitFor()
    assert.equal(shownCluster(), cluster.virtualClusterId)
  }),
)
