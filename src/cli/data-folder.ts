import { makeFolderSync, messageOf } from '../base/index.ts'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { sealingKeyBytes } from '../control/index.ts'

/** The data folder is in use by another process, or cannot be used at all. The message is for the user. */
export class DataFolderError extends Error {}

/** The folder in which one process keeps everything persistent. */
export interface DataFolder {
  readonly path: string
  readonly bucket: string
  readonly metadata: string
  readonly control: string
  /**
   * Seals the secrets in the control database. Its file belongs in the same backup, and must not be readable by others.
   */
  readonly sealingKey: Uint8Array
  /** Releases the folder for another process. */
  release(): void
}

/**
 * Takes a folder for this process alone, and creates it if it is missing. The lock is one of the operating system's,
 * held through an open SQLite transaction: it ends with the process however that ends, so it can never be stale.
 */
export function takeDataFolder(folder: string): DataFolder {
  if (folder.trim() === '') throw new DataFolderError('-dataDir needs a folder; use . for the current one')
  const path = resolve(folder)
  const pidFile = join(path, 'penstock.pid')
  let lock: DatabaseSync
  try {
    // It contains secrets, so no other user may read it.
    makeFolderSync(path, { mode: 0o700 })
    makeFolderSync(join(path, 'bucket'))
    lock = new DatabaseSync(join(path, 'penstock.lock'), { timeout: 0 })
  } catch (cause) {
    throw new DataFolderError(`the data folder ${path} cannot be used: ${messageOf(cause)}`, { cause })
  }
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new DataFolderError(`the data folder ${path} is in use by another process${pidOf(pidFile)}`, { cause })
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  let sealingKey: Uint8Array
  try {
    sealingKey = takeSealingKey(join(path, 'secrets.key'))
  } catch (error) {
    lock.close()
    throw error
  }
  return {
    path,
    bucket: join(path, 'bucket'),
    metadata: join(path, 'metadata.sqlite'),
    control: join(path, 'control.sqlite'),
    sealingKey,
    release: () => lock.close(),
  }
}

/**
 * Refuses a folder with records whose metadata is missing: with new metadata a server would treat all of them as
 * garbage and overwrite some. Throws a DataFolderError.
 */
export function checkMetadataThere({ path, bucket, metadata }: DataFolder): void {
  if (existsSync(metadata)) return
  const records = join(bucket, 'data')
  if (!existsSync(records) || readdirSync(records).length === 0) return
  throw new DataFolderError(
    `the data folder ${path} has records but no metadata.sqlite: restore it from a backup, or rebuild it with penstock bucket rebuild -dataDir ${path}`,
  )
}

/** Reads the sealing key, which is created if it is missing. */
function takeSealingKey(file: string): Uint8Array {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(sealingKeyBytes).toString('hex')}\n`, { mode: 0o600 })
  const text = readFileSync(file, 'utf8').trim()
  const key = Buffer.from(text, 'hex')
  if (key.length === sealingKeyBytes && text.length === 2 * sealingKeyBytes) return key
  throw new DataFolderError(`${file} has to hold ${2 * sealingKeyBytes} hexadecimal digits: restore it from a backup`)
}

/** Only for the message; the lock decides. */
function pidOf(pidFile: string): string {
  try {
    return ` (process ${readFileSync(pidFile, 'utf8').trim()})`
  } catch {
    return '' // the other process has not written it yet
  }
}
