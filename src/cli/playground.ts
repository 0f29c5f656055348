import { runLocal } from './local.ts'

/** A whole cluster with console and pipelines that needs nothing and leaves nothing behind. */
export default {
  summary: 'Run a whole cluster with console and pipelines that is gone when it stops',
  run: (args: readonly string[]) => runLocal('playground', args, null),
}
