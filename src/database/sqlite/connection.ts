import type { Values } from './engine.ts'
import { SqliteEngine } from './engine.ts'

/** A statement for the engine, or a step of a transaction. */
export type Command =
  | { readonly kind: 'all' | 'run'; readonly statement: string; readonly values: Values }
  | { readonly kind: 'begin'; readonly of: 'read' | 'write'; readonly durable: boolean }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'checkpoint' }

/**
 * The connection to an engine, in this thread or in another one. Commands are
 * executed in the order in which they are issued.
 */
export interface Connection {
  execute(command: Command): Promise<unknown>
  onLost(listener: (reason: Error) => void): () => void
  close(): Promise<void>
}

export function carryOut(engine: SqliteEngine, command: Command): unknown {
  switch (command.kind) {
    case 'all':
      return engine.all(command.statement, command.values)
    case 'run':
      return engine.run(command.statement, command.values)
    case 'begin':
      return engine.begin(command.of, command.durable)
    case 'commit':
      return engine.commit()
    case 'rollback':
      return engine.rollback()
    case 'checkpoint':
      return engine.checkpoint()
  }
}

export function connectHere(path: string): Connection {
  const engine = new SqliteEngine(path)
  return {
    execute: async command => carryOut(engine, command),
    onLost: () => () => {}, // this thread ends with the process
    close: async () => engine.close(),
  }
}
