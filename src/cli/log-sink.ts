import { codeOf } from '../base/index.ts'
import { openSync, writeSync } from 'node:fs'

/** Accepts log lines. Never throws: a pipeline does not fail because its log cannot be written. */
export type LogSink = (line: string) => void

/** Writes lines to an open file descriptor. Once its reader is gone they are dropped, and data keeps flowing. */
export function descriptorSink(descriptor: number): LogSink {
  let isOpen = true
  return line => {
    if (isOpen) isOpen = writeWhole(descriptor, Buffer.from(line, 'utf8'))
  }
}

/** Appends lines to a file. Throws if the file cannot be opened. */
export function fileSink(path: string): LogSink {
  return descriptorSink(openSync(path, 'a'))
}

/** False if nothing can be written any more. */
function writeWhole(descriptor: number, bytes: Uint8Array): boolean {
  let written = 0
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return false
      // A full pipe that another process made non-blocking: give its reader a moment.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
  return true
}
