// Shared by the console's end-to-end tests: a real browser on a running program, and checks of what it shows.
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

/** How long a test waits for something expected, in milliseconds; only failing tests reach it. */
const patienceMs = 120_000

/** A browser with the console open. */
export interface OpenConsole {
  readonly page: Page
  /** Errors that the browser reported. */
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
    // Rejecting a save is a response with status 400, which the browser reports although the page expects it.
    if (message.type() === 'error' && !message.text().includes('status of 400'))
      complaints.push(`${message.text()} ${message.location().url}`)
  })
  await page.goto(url)
  return { page, complaints, close: () => browser.close() }
}

export function section(page: Page, name: string): Locator {
  return page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: true })
}

/** Chooses an item from the `More` menu. */
export function chooseMore(page: Page, item: string): Promise<void> {
  return choose(page, 'More', item)
}

/** Opens a menu and chooses an item. */
export async function choose(page: Page, menu: string, item: string): Promise<void> {
  const choice = page.getByRole('menuitem', { name: item })
  // Updates that arrive while the menu opens may close it; a user would open it again.
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
 * Checks wide and narrow, light and dark: axe finds nothing, and nothing is wider than the window. With `opened`, for
 * an overlay in front of a page, the page behind it is checked only once.
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
      // The colours of the theme are applied in the next frame.
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

/** Elements that do not fit into the window or the page's scroll container, which then scroll sideways. */
const widerThanTheirPlace = `[document.documentElement, ...document.querySelectorAll('[data-scroll-restoration-id], [role=dialog]')]
  .filter(element => element.scrollWidth > element.clientWidth)
  .map(element => element.tagName + ' ' + element.className)`

/** A sequence of dependent steps: after one fails, the others are not run. */
export class Walk {
  readonly #page: () => Page
  #failedStep: string | undefined

  constructor(page: () => Page) {
    this.#page = page
  }

  /** Runs a step; on failure, a screenshot is saved in the system's folder for temporary files. */
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

/** Saves a screenshot if `PENSTOCK_SCREENSHOTS` asks for them. */
async function photograph(page: Page, name: string): Promise<void> {
  const folder = process.env['PENSTOCK_SCREENSHOTS']
  if (folder === undefined) return
  await page.screenshot({ path: join(folder, `${name.replace(/[^\w-]+/g, '-').slice(0, 80)}.png`) })
}
