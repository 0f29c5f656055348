import { Registry } from '../engine/index.ts'
import { knownNames, loaders } from './registry.gen.ts'

/** The registry of every component. Files are imported when a configuration names them. */
export function createRegistry(): Registry {
  return new Registry(loaders, knownNames, async () => (await import('./known.ts')).knownSpecs)
}
export { fileImporter, systemWorld } from './world.ts'
