import { globSync, readFileSync, statSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { constants } from 'node:fs'
import { connect } from 'node:net'
import { makeFolder } from '../base/index.ts'
import type { Files } from '../engine/index.ts'

/** The files of this machine. */
export const openFiles: Files = {
  open: fs.open,
  readFile: path => fs.readFile(path),
  readFileSync: path => readFileSync(path),
  writeFile: (path, data, flag = 'w') => fs.writeFile(path, data, { flag }),
  mkdir: async path => void (await makeFolder(path)),
  unlink: fs.unlink,
  rmdir: fs.rmdir,
  rename: fs.rename,
  copyFile: (from, to) => fs.copyFile(from, to, constants.COPYFILE_FICLONE),
  stat: path => fs.stat(path),
  glob(pattern) {
    if (!/[*?[]/.test(pattern)) return [pattern]
    return globSync(withHidden(pattern))
      .filter(match => statSync(match, { throwIfNoEntry: false })?.isDirectory() !== true)
      .toSorted()
  },
  connect: path => connect({ path }),
}

/** Lets a pattern match names that begin with a dot, as the original's patterns do and Node's do not. */
function withHidden(pattern: string): string {
  const at = pattern.lastIndexOf('/') + 1
  const name = pattern.slice(at)
  return name.startsWith('*') && !name.startsWith('**') ? `${pattern.slice(0, at)}{*,.*}${name.slice(1)}` : pattern
}

/** The files that pass `check`, which throws a refusal. */
export function checkedFiles(check: (path: string) => void): Files {
  // Async functions, so that a refusal rejects like any other failure.
  return {
    open: async (path, flags) => (check(path), await openFiles.open(path, flags)),
    readFile: async path => (check(path), await openFiles.readFile(path)),
    readFileSync: path => (check(path), openFiles.readFileSync(path)),
    writeFile: async (path, data, flag) => (check(path), await openFiles.writeFile(path, data, flag)),
    mkdir: async path => (check(path), await openFiles.mkdir(path)),
    unlink: async path => (check(path), await openFiles.unlink(path)),
    rmdir: async path => (check(path), await openFiles.rmdir(path)),
    rename: async (from, to) => (check(from), check(to), await openFiles.rename(from, to)),
    copyFile: async (from, to) => (check(from), check(to), await openFiles.copyFile(from, to)),
    stat: async path => (check(path), await openFiles.stat(path)),
    glob(pattern) {
      check(pattern)
      const found = openFiles.glob(pattern)
      for (const path of found) check(path)
      return found
    },
    connect: path => (check(path), openFiles.connect(path)),
  }
}
