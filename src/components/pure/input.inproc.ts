import { defineInput, deliverBatch, field } from '../../engine/index.ts'
import { InprocPipe } from './inproc-pipe.ts'

export default defineInput({
  name: 'inproc',
  categories: ['Utility'],
  summary: 'Reads what the `inproc` output of the same name writes.',
  config: field.string('The name of the pipe.').default(''),
  create(name, { shared }) {
    const pipe = InprocPipe.of(shared, name)
    return {
      async read(signal) {
        const taken = await pipe.take(signal)
        return taken === null ? null : deliverBatch(taken.batch, taken.settle)
      },
    }
  },
})
