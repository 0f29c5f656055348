// What the console's end-to-end tests share: a real browser on a program that runs, and checks of what it shows.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import axe from 'axe-core'
import { chromium, type Locator, type Page } from 'playwright-core'

const browserPath = process.env['PENSTOCK_CHROMIUM'] ?? '/usr/bin/chromium'

/** Why the tests of the console are skipped; in CI they never are. */
export const missingBrowser =
  existsSync(browserPath) || process.env['CI'] !== undefined
    ? false
    : `${browserPath} is missing; install it with: sudo apt-get install -y chromium`

/** How long a test waits for what must come, in milliseconds: only one that fails waits so long. */
const patienceMs = 120_000

/** A browser with the console open. */
export interface OpenConsole {
  readonly page: Page
  /** What the browser reported as going wrong. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

/** Opens the console at the address that the program printed, signed in by its token. */
export async function openConsole(url: string): Promise<OpenConsole> {
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] })
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.setDefaultTimeout(patienceMs)
  page.on('pageerror', error => complaints.push(error.stack ?? error.message))
  page.on('console', message => {
    // A refused save is an answer with status 400, which the browser reports although the page expects it.
    if (message.type() === 'error' && !message.text().includes('status of 400')) complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints, close: () => browser.close() }
}

export function section(page: Page, name: string): Locator {
  return page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: true })
}

/** Chooses from the menu behind `More`. */
export function chooseMore(page: Page, item: string): Promise<void> {
  return choose(page, 'More', item)
}

/** Opens a menu and chooses an item. */
export async function choose(page: Page, menu: string, item: string): Promise<void> {
  const choice = page.getByRole('menuitem', { name: item })
  // News that arrive while the menu opens may close it; then a person opens it again.
  for (let tries = 1; ; tries++) {
    await page.getByRole('button', { name: menu, exact: true }).click()
    try {
      return await choice.click({ timeout: 5000 })
    } catch (error) {
      if (tries === 10) throw error
    }
  }
}

/**
 * Wide and narrow, light and dark: axe finds nothing, and nothing is wider than the window. With `opened`, what is
 * opened in front of a page, the page behind it is looked at only once.
 */
export async function expectAccessible(page: Page, place: string, opened?: string): Promise<void> {
  await page.locator('[aria-label^="Loading"]').first().waitFor({ state: 'detached' })
  await page.evaluate(axe.source)
  let context = 'document'
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: 'attached' })
      // The colours of the theme are there with the next frame.
      await page.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
      const look = `${place} at ${width} px, ${colorScheme}`
      const { violations }: axe.AxeResults = await page.evaluate(`axe.run(${context}, { resultTypes: ["violations"] })`)
      if (opened !== undefined) context = JSON.stringify(opened)
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`)
      assert.deepEqual(found, [], look)
      assert.deepEqual(await page.evaluate(widerThanTheirPlace), [], `${look}: what is too wide`)
    }
    await photograph(page, `${place} ${width}`)
  }
  await page.setViewportSize({ width: 1440, height: 900 })
}

/** What does not fit into the window or into what scrolls a page, which scroll sideways then. */
const widerThanTheirPlace = `[document.documentElement, ...document.querySelectorAll('[data-scroll-restoration-id], [role=dialog]')]
  .filter(element => element.scrollWidth > element.clientWidth)
  .map(element => element.tagName + ' ' + element.className)`

/** A walk of steps, each of which stands on those before it: after one that fails the others are not tried. */
export class Walk {
  readonly #page: () => Page
  #failedStep: string | undefined

  constructor(page: () => Page) {
    this.#page = page
  }

  /** Runs a step; where it fails a picture of the page is left in the system's folder for temporary files. */
  async step(t: TestContext, name: string, run: () => Promise<void>): Promise<void> {
    if (this.#failedStep !== undefined) {
      t.skip(`the walk ended at ${this.#failedStep}`)
      return
    }
    try {
      await run()
      await photograph(this.#page(), name)
    } catch (error) {
      this.#failedStep = name
      const path = join(mkdtempSync(join(tmpdir(), 'penstock-console-')), `${name}.png`)
      await this.#page().screenshot({ path })
      if (error instanceof Error) error.message += `\nThe page at that moment: ${path}`
      throw error
    }
  }
}

/** Leaves a picture where `PENSTOCK_SCREENSHOTS` asks for them. */
async function photograph(page: Page, name: string): Promise<void> {
  const folder = process.env['PENSTOCK_SCREENSHOTS']
  if (folder === undefined) return
  await page.screenshot({ path: join(folder, `${name.replace(/[^\w-]+/g, '-').slice(0, 80)}.png`) })
}
