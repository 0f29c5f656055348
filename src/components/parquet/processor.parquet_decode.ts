import { type Batch, defineProcessor, field, type Message } from '../../engine/index.ts'
import { rowsOf, rowsWithStoredLists } from './rows.ts'

export default defineProcessor({
  name: 'parquet_decode',
  status: 'experimental',
  categories: ['Parsing'],
  requires: ['hyparquet'],
  summary: 'Makes each row of a Parquet file a message.',
  description:
    'Values of byte columns that are not of the type UTF8 are bytes, which JSON shows as base64. The rows of all files of a batch form one batch. A file that cannot be read is left unchanged and flagged as failed.',
  config: field.object({
    byte_array_as_string: field.bool('No longer has an effect.').default(false).deprecated(),
    use_parquet_list_format: field
      .bool('Whether lists keep their stored form, `{"list":[{"element":…}]}`, rather than becoming arrays.')
      .default(true)
      .advanced()
      .since('1.8.0'),
  }),
  async create({ use_parquet_list_format: asStored }, resources) {
    const library = await import('hyparquet')
    const rows = (file: Uint8Array) => (asStored ? rowsWithStoredLists(file, library) : rowsOf(file))
    const decoded = (message: Message): readonly Message[] => {
      try {
        return rows(message.bytes()).map(row => message.withDocument(row))
      } catch (error) {
        return [resources.fail(message, error)]
      }
    }
    return {
      process(batch: Batch) {
        const results = batch.flatMap(decoded)
        return results.length === 0 ? [] : [results]
      },
    }
  },
})
