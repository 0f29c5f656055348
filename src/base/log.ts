export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Structured logging: a message and its fields, which must hold no secrets.
 * Implementations decide format and destination.
 */
export interface Log {
  log(level: LogLevel, message: string, fields?: LogFields): void
  fatal(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  trace(message: string, fields?: LogFields): void
  /** Whether lines of this level are written at all, so that callers can skip building them. */
  enabled(level: LogLevel): boolean
  /** Returns the same log with these fields on every line. */
  with(fields: LogFields): Log
}

export const nullLog: Log = {
  log() {},
  fatal() {},
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  enabled: () => false,
  with: () => nullLog,
}
