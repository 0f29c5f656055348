import type { Example } from './examples.ts'
import { managedExample } from './managed-example.ts'

/** The texts of config/ by path, as found by Vite when it bundles the console. */
const files = import.meta.glob<string>('../../../../config/*.yaml', { query: '?raw', import: 'default', eager: true })

/** The examples of config/ that run as managed pipelines without a grant. Loaded on demand. */
export const gallery: readonly Example[] = Object.entries(files)
  .map(([path, text]) => managedExample(path, text))
  .filter(example => example !== undefined)
