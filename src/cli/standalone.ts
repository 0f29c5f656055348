import { runLocal } from './local.ts'

/** The playground that survives: everything is in one folder. */
export default {
  summary: 'Run a whole cluster with console and pipelines that keeps everything in one folder',
  run: (args: readonly string[]) => runLocal('standalone', args, { default: './data' }),
}
