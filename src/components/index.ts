import { Registry } from '../engine/index.ts'
import { knownNames, loaders } from './registry.gen.ts'

/** The registry of every component. Files are imported when a configuration names them. */
export function createRegistry(): Registry {
  return new Registry(loaders, knownNames, async kind => (await import('./known.ts')).loadKnown(kind))
}
