import { defineOutput, field } from '../../engine/index.ts'
import { InprocPipe } from './inproc-pipe.ts'

export default defineOutput({
  name: 'inproc',
  categories: ['Utility'],
  summary: 'Writes to the `inproc` input of the same name.',
  config: field.string('The name of the pipe.').default(''),
  maxInFlight: 1,
  create(name, { shared }) {
    const pipe = InprocPipe.of(shared, name)
    return { write: batch => pipe.write(batch), close: () => pipe.close() }
  },
})
