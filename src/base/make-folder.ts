import { mkdirSync, type Stats, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from './error.ts'

interface FolderOptions {
  /** Permissions of the folders that are created. */
  readonly mode?: number
}

/**
 * Creates a folder and its missing parents. Resolves to the topmost one that was created, if any. Node's own function
 * never returns, and keeps a thread busy, where the system refuses a folder although its parent exists, as in `/proc`.
 */
export async function makeFolder(path: string, options: FolderOptions = {}): Promise<string | undefined> {
  try {
    await mkdir(path, options)
    return path
  } catch (error) {
    if (await isFolder(path)) return undefined
    if (!mayLackParent(path, error)) throw error
  }
  const first = await makeFolder(dirname(path), options)
  try {
    await mkdir(path, options)
  } catch (error) {
    // Another process may have been faster.
    if (!(await isFolder(path))) throw error
  }
  return first ?? path
}

/** Like `makeFolder`, but keeps the event loop: for the start of a program. */
export function makeFolderSync(path: string, options: FolderOptions = {}): void {
  try {
    mkdirSync(path, options)
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
    if (!mayLackParent(path, error)) throw error
    makeFolderSync(dirname(path), options)
    mkdirSync(path, options)
  }
}

async function isFolder(path: string): Promise<boolean> {
  const status: Stats | undefined = await stat(path).catch(() => undefined)
  return status?.isDirectory() === true
}

function mayLackParent(path: string, error: unknown): boolean {
  return codeOf(error) === 'ENOENT' && dirname(path) !== path
}
