import { codeOf, messageOf } from './error.ts'

/** Formats a file system error in the original's words: `open x: no such file or directory`. */
export function fileErrorText(operation: string, path: string, error: unknown): string {
  return `${operation} ${path}: ${causes[codeOf(error) ?? ''] ?? messageOf(error)}`
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'file exists',
  ENOSPC: 'no space left on device',
}
