import { buffer } from 'node:stream/consumers'
import { fileErrorText } from '../../base/index.ts'
import { type ComponentHost, type Files, HttpTransport } from '../../engine/index.ts'
import { readDescriptorSet } from './descriptor-set.ts'
import { JsonParser } from './from-json.ts'
import { linked, type Schema, schemaOfSources } from './link.ts'
import { parseProto } from './parse.ts'
import type { FileSyntax } from './syntax.ts'
import { JsonPrinter } from './to-json.ts'

/** Files with these extensions are descriptor sets. */
const DESCRIPTOR_SET = /\.(?:binpb|pb|desc|protoset|protobin)$/

/**
 * The types of all `.proto` files in some folders, which import each other by their relative paths, and of single
 * files, including descriptor sets. Rejects with `SchemaError`, or a file error.
 */
export async function schemaOfPaths(paths: readonly string[], files: Files): Promise<Schema> {
  const found = new Map<string, FileSyntax>()
  for (const path of paths.length === 0 ? ['.'] : paths) {
    const isFolder = (await statOf(path, files)).isDirectory()
    if (!isFolder && DESCRIPTOR_SET.test(path)) {
      for (const file of readDescriptorSet(await read(path, files))) found.set(file.path, file)
      continue
    }
    const folder = path.replace(/\/+$/, '')
    const names = isFolder ? files.glob(`${folder}/**/*.proto`) : [path]
    const prefix = folder.replace(/^(?:\.\/)+/, '')
    for (const name of names) {
      const inside = name.replace(/^(?:\.\/)+/, '')
      const relative = !isFolder
        ? inside.slice(inside.lastIndexOf('/') + 1)
        : prefix === '.'
          ? inside
          : inside.slice(prefix.length + 1)
      found.set(relative, parseProto(relative, (await read(name, files)).toString('utf8')))
    }
  }
  return linked([...found.values()])
}

async function statOf(path: string, files: Files) {
  try {
    return await files.stat(path)
  } catch (error) {
    throw new Error(fileErrorText('stat', path, error), { cause: error })
  }
}

async function read(path: string, files: Files): Promise<Buffer> {
  try {
    return await files.readFile(path)
  } catch (error) {
    throw new Error(`failed to read import ${path}: ${fileErrorText('open', path, error)}`, {
      cause: error,
    })
  }
}

/** A module of a Buf Schema Registry. */
export interface RegistryModule {
  readonly module: string
  readonly url: string
  readonly api_key: string
  readonly version: string
}

/** The registry URL of a module; undefined if it cannot be determined. */
export function registryUrl({ module, url }: Pick<RegistryModule, 'module' | 'url'>): string | undefined {
  if (url !== '') return url.replace(/\/+$/, '')
  const segments = module.split('/')
  return segments.length === 3 ? `https://${segments[0]}` : undefined
}

/** The registry's protocol: messages of buf.reflect.v1beta1, with the descriptors left as bytes. */
const REFLECTION = `syntax = "proto3";
  message Request { string module = 1; string version = 2; repeated string symbols = 3; }
  message Response { bytes file_descriptor_set = 1; string version = 2; }`

const TIMEOUT_MS = 10_000
/** Larger than any real module. */
const MAX_ANSWER_BYTES = 67_108_864

/** The types of modules, each fetched once. If several define the same type, the first one wins. */
export async function schemaOfModules(
  modules: readonly RegistryModule[],
  host: Pick<ComponentHost, 'network'>,
): Promise<Schema> {
  const transport = new HttpTransport({ sockets: host.network, environment: host.network.proxyVariables })
  try {
    const schemas: Schema[] = []
    for (const module of modules) schemas.push(linked(readDescriptorSet(await fetchDescriptors(module, transport))))
    return {
      messages: new Map(schemas.toReversed().flatMap(schema => [...schema.messages])),
      messagesOf: path => schemas.find(schema => schema.messagesOf(path).length > 0)?.messagesOf(path) ?? [],
    }
  } finally {
    await transport.close()
  }
}

async function fetchDescriptors(module: RegistryModule, transport: HttpTransport): Promise<Uint8Array> {
  const base = registryUrl(module)
  if (base === undefined) {
    throw new Error(
      `could not parse module ${module.module}, expected three segments e.g. 'buf.build/exampleco/mymodule'`,
    )
  }
  const reflection = schemaOfSources(new Map([['reflection.proto', REFLECTION]]))
  const request = { module: module.module, version: module.version }
  const url = `${base}/buf.reflect.v1beta1.FileDescriptorSetService/GetFileDescriptorSet`
  const response = await transport.request(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/proto',
      'Connect-Protocol-Version': '1',
      ...(module.api_key === '' ? {} : { Authorization: `Bearer ${module.api_key}` }),
    },
    body: new JsonParser(reflection, false).parse(
      reflection.messages.get('Request')!,
      Buffer.from(JSON.stringify(request)),
    ),
    timeoutMs: TIMEOUT_MS,
  })
  const declared = Number(response.headers['content-length'] ?? 0)
  if (declared > MAX_ANSWER_BYTES) {
    response.body.destroy()
    throw new Error(`${url} responded with ${declared} bytes, more than ${MAX_ANSWER_BYTES}`)
  }
  const body = await buffer(response.body)
  if (response.statusCode !== 200) {
    throw new Error(
      `failed to fetch module ${module.module}: ${url} responded ${response.statusCode} ${response.statusText}: ${body.toString('utf8').trim()}`,
    )
  }
  const printer = new JsonPrinter(reflection, { useProtoNames: true, emitUnpopulated: true })
  // The printed type has this field.
  const answer: { readonly file_descriptor_set: string } = JSON.parse(
    Buffer.from(printer.print(reflection.messages.get('Response')!, body)).toString('utf8'),
  )
  return Buffer.from(answer.file_descriptor_set, 'base64')
}
