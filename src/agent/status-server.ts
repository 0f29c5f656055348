import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { listenOn, messageOf, prometheusFamily, prometheusSample } from '../base/index.ts'
import type { AgentReport } from '../control/index.ts'
import type { Agent } from './agent.ts'
import { rangesPath, signatureHeader, type ZoneReader } from './zone/zone-reader.ts'

/** Polls of the control plane are answered within 3 s; after this silence an agent reports that it is cut off. */
const staleMs = 8000

/**
 * The agent's own HTTP server: `/v1/status` for health checks, `/metrics` for Prometheus, ranges for agents of its
 * zone.
 */
export class StatusServer {
  readonly #server: Server

  /** Until there is an agent, the status is 503. */
  constructor(version: string, agent: () => Agent | undefined, zone: () => ZoneReader | undefined = () => undefined) {
    this.#server = createServer((request, response) => {
      const current = agent()
      if (current === undefined) {
        response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end('starting\n')
        return
      }
      switch (request.url?.split('?')[0]) {
        case '/v1/status':
          response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(statusText(current.silentMs))
          return
        case '/metrics':
          void answerMetrics(version, current, zone(), response)
          return
        case rangesPath:
          void answerRange(zone(), request, response)
          return
        default:
          response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
      }
    })
  }

  /** Listens; port 0 picks a free one. Resolves to the port. Rejects if it is taken. */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, { host, port })
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

/** An agent that is cut off keeps serving what it can, so it is healthy: restarting it would not help. */
function statusText(silentMs: number): string {
  if (silentMs < staleMs) return 'OK'
  return `OK, but the control plane has not answered for ${Math.round(silentMs / 1000)} s`
}

async function answerRange(
  zone: ZoneReader | undefined,
  { url, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const signature = headers[signatureHeader]
    const answer = await zone?.answer(new URL(url!, 'http://agent'), typeof signature === 'string' ? signature : '')
    response.writeHead(answer?.status ?? 503).end(answer?.body)
  } catch (error) {
    response.writeHead(500).end(`the range could not be read: ${messageOf(error)}\n`)
  }
}

async function answerMetrics(
  version: string,
  agent: Agent,
  zone: ZoneReader | undefined,
  response: ServerResponse,
): Promise<void> {
  try {
    const text = metricsText(version, agent) + (zone?.metricsText() ?? '') + (await agent.kafkaMetricsText())
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text)
  } catch (error) {
    response
      .writeHead(500, { 'content-type': 'text/plain; charset=utf-8' })
      .end(`the metrics could not be read: ${messageOf(error)}\n`)
  }
}

type Series = readonly [labels: Readonly<Record<string, string>>, value: number]
type Family = readonly [name: string, kind: 'gauge' | 'counter', help: string, series: readonly Series[]]

function metricsText(version: string, agent: Agent): string {
  return [...agentFamilies(version, agent), ...instanceFamilies(agent)]
    .map(([name, kind, help, series]) =>
      prometheusFamily(
        name,
        kind,
        help,
        series.map(([labels, value]) => prometheusSample(name, labels, value)),
      ),
    )
    .join('')
}

function agentFamilies(version: string, agent: Agent): readonly Family[] {
  const { cpu, memoryBytes, connections, traffic } = agent.figures
  return [
    ['warpstream_agent_info', 'gauge', 'The version that runs.', [[{ version }, 1]]],
    ['warpstream_agent_cpu_cores', 'gauge', 'Cores in use.', [[{}, cpu]]],
    ['warpstream_agent_memory_bytes', 'gauge', 'Resident memory.', [[{}, memoryBytes]]],
    ['warpstream_agent_kafka_connections', 'gauge', 'Open connections on the Kafka port.', [[{}, connections]]],
    [
      'warpstream_agent_control_plane_silence_seconds',
      'gauge',
      'Since the last poll that the control plane answered; up to 3 while all is well.',
      [[{}, agent.silentMs / 1000]],
    ],
    [
      'warpstream_agent_produced_bytes_total',
      'counter',
      'Bytes of record batches written.',
      [[{}, traffic.producedBytes]],
    ],
    ['warpstream_agent_produced_records_total', 'counter', 'Records written.', [[{}, traffic.producedRecords]]],
    ['warpstream_agent_sent_bytes_total', 'counter', 'Bytes sent to Kafka clients.', [[{}, traffic.fetchedBytes]]],
    [
      'warpstream_agent_kafka_requests_total',
      'counter',
      'Requests on the Kafka port.',
      [...agent.requests].map(([api, count]) => [{ api }, count] as const),
    ],
  ]
}

function instanceFamilies(agent: Agent): readonly Family[] {
  const ofInstances = (value: (instance: AgentReport['instances'][number]) => number): Series[] =>
    agent.figures.instances.map(instance => [
      { pipeline_id: instance.pipelineId, instance_id: instance.instanceId },
      value(instance),
    ])
  return [
    [
      'warpstream_pipeline_running',
      'gauge',
      'Whether the instance runs.',
      ofInstances(({ state }) => Number(state === 'running')),
    ],
    [
      'warpstream_pipeline_restarts_total',
      'counter',
      'Starts after a failure.',
      ofInstances(({ restarts }) => restarts),
    ],
    [
      'warpstream_pipeline_input_received_total',
      'counter',
      'Messages read.',
      ofInstances(({ counters }) => counters.input_received),
    ],
    [
      'warpstream_pipeline_output_sent_total',
      'counter',
      'Messages written.',
      ofInstances(({ counters }) => counters.output_sent),
    ],
    [
      'warpstream_pipeline_output_errors_total',
      'counter',
      'Failed writes.',
      ofInstances(({ counters }) => counters.output_errors),
    ],
    [
      'warpstream_pipeline_processor_errors_total',
      'counter',
      'Messages that a processor marked as failed.',
      ofInstances(({ counters }) => counters.processor_errors),
    ],
  ]
}
