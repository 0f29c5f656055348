/** An error of the file system in the original's words: `open x: no such file or directory`. */
export function fileErrorText(operation: string, path: string, error: NodeJS.ErrnoException): string {
  return `${operation} ${path}: ${causes[error.code ?? ''] ?? error.message}`
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'file exists',
  ENOSPC: 'no space left on device',
}
