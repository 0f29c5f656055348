import { type Loaders, Registry } from '../engine/index.ts'
import { knownNames, loaders } from './registry.gen.ts'

/**
 * The registry of all components, and of additional inputs and outputs. Files are imported when a configuration names
 * them.
 */
export function createRegistry(more: Pick<Loaders, 'input' | 'output'> = {}): Registry {
  const all: Loaders = {
    ...loaders,
    input: { ...loaders.input, ...more.input },
    output: { ...loaders.output, ...more.output },
  }
  return new Registry(all, knownNames, async kind => (await import('./known.ts')).loadKnown(kind))
}
