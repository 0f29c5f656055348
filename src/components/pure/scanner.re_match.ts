import { messageOf } from '../../base/index.ts'
import { createRequire } from 'node:module'
import { ConfigError, defineScanner, field, Message } from '../../engine/index.ts'
import { readAll } from './reading.ts'

interface Matcher {
  find(): boolean
  start(): number
}

export default defineScanner({
  name: 're_match',
  categories: ['Utility'],
  summary: 'Starts a new message wherever a regular expression matches.',
  config: field.object({
    pattern: field.string('The expression, in RE2 syntax.').examples('(?m)^\\d\\d:\\d\\d:\\d\\d'),
    max_buffer_size: field.int('The maximum size of a message, in bytes.').default(65536),
  }),
  create({ pattern, max_buffer_size: maxBytes }) {
    const find = compile(pattern)
    return {
      scan(source) {
        let isRead = false
        return {
          async next() {
            if (isRead) return null
            isRead = true
            // One character per byte, so that positions in the text are positions in the source.
            const bytes = await readAll(source)
            const starts = find(bytes.toString('latin1')).filter(start => start > 0)
            const messages: Message[] = []
            let begin = 0
            for (const end of [...starts, bytes.length]) {
              if (end - begin > maxBytes) throw new Error('bufio.Scanner: token too long')
              if (end > begin) messages.push(Message.fromChunk(bytes, begin, end, source.metadata))
              begin = end
            }
            return messages.length === 0 ? null : messages
          },
          close: () => source.close(),
        }
      },
    }
  },
})

/** Returns the positions at which a regular expression matches, in linear time. */
function compile(pattern: string): (text: string) => readonly number[] {
  // The package is loaded once a scanner needs it; this is the part of its interface that is used.
  const { RE2JS } = createRequire(import.meta.url)('re2js') as {
    RE2JS: { compile(pattern: string): { matcher(text: string): Matcher } }
  }
  try {
    const compiled = RE2JS.compile(pattern)
    return text => {
      const matcher = compiled.matcher(text)
      const starts: number[] = []
      while (matcher.find()) starts.push(matcher.start())
      return starts
    }
  } catch (error) {
    throw new ConfigError(`failed to compile scanner pattern: ${messageOf(error)}`, { cause: error })
  }
}
