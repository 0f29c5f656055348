import { text } from 'node:stream/consumers'
import { fileErrorText } from '../../base/index.ts'
import { addressOfUrl, type ComponentHost, HttpTransport, type Need, type Network } from '../../engine/index.ts'

/** The capabilities needed to read from `file://` or `http://`. */
export function needsOfLocation(value: unknown): readonly Need[] {
  const path = typeof value === 'string' ? value : ''
  if (path === '') return []
  const target = addressOfUrl(path)
  if (path.startsWith('http://')) return [{ capability: 'network', ...(target !== undefined && { target }) }]
  return [{ capability: 'files', target: path.replace(/^file:\/\//, '') }]
}

/** The text at `file://path`, or at a URL with `http://`. */
export async function readLocation(
  path: string,
  { files, network }: Pick<ComponentHost, 'files' | 'network'>,
): Promise<string> {
  if (path.startsWith('http://')) return await download(path, network)
  const file = path.replace(/^file:\/\//, '')
  try {
    return (await files.readFile(file)).toString('utf8')
  } catch (error) {
    throw new Error(fileErrorText('open', file, error), { cause: error })
  }
}

async function download(url: string, network: Network): Promise<string> {
  const transport = new HttpTransport({ sockets: network, environment: network.proxyVariables })
  try {
    const { statusCode, statusText, body } = await transport.request(url, { method: 'GET', timeoutMs: 30_000 })
    const content = await text(body)
    if (statusCode !== 200) throw new Error(`${url} responded ${statusCode} ${statusText}`)
    return content
  } finally {
    await transport.close()
  }
}
