import type { Example } from './examples.ts'
import { managedExample } from './managed-example.ts'

/** The texts of config/ by path, as Vite finds them when it bundles the console. */
const files = import.meta.glob<string>('../../../../config/*.yaml', { query: '?raw', import: 'default', eager: true })

/** The examples of config/ that run as managed pipelines without a grant. Loaded when somebody asks for them. */
export const gallery: readonly Example[] = Object.entries(files)
  .map(([path, text]) => managedExample(path, text))
  .filter(example => example !== undefined)
