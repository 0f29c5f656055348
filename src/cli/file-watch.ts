import { readFileSync } from 'node:fs'

/**
 * How often files are polled. Unlike system notifications, polling works on every file system and when folders are
 * replaced.
 */
const periodMs = 500

/** Notices when the content of files changes. Files that cannot be read count as empty, and may come back. */
export class FileWatch {
  readonly #paths: readonly string[]
  readonly #onChange: (paths: readonly string[]) => void
  readonly #contents: Map<string, string>
  readonly #timer: NodeJS.Timeout
  /** Paths that were different at the last poll, with their content then. */
  #unsettled = new Map<string, string>()

  constructor(paths: readonly string[], onChange: (paths: readonly string[]) => void) {
    this.#paths = paths
    this.#onChange = onChange
    this.#contents = new Map(paths.map(path => [path, contentOf(path)]))
    this.#timer = setInterval(() => this.#check(), periodMs)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** A change counts once a file is the same twice in a row, so that a file being written is not read halfway. */
  #check(): void {
    const unsettled = new Map<string, string>()
    const changed: string[] = []
    for (const path of this.#paths) {
      const content = contentOf(path)
      if (content === this.#contents.get(path)) continue
      if (this.#unsettled.get(path) === content) changed.push(path)
      else unsettled.set(path, content)
    }
    this.#unsettled = unsettled
    if (changed.length === 0) return
    for (const path of changed) this.#contents.set(path, contentOf(path))
    this.#onChange(changed)
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // Between the two steps of a replacement there is no file.
    return ''
  }
}
