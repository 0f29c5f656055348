import process from 'node:process'

export type Paint = (text: string) => string

export const plain: Paint = text => text
export const red: Paint = text => `\u001b[31m${text}\u001b[0m`

/** How errors are shown: in red on a terminal. Only the main thread can detect one. */
export function errorPaint(): Paint {
  const { env, stdout } = process
  return stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb' ? red : plain
}
