import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { DescribeOverviewResponse } from '../../api/types.ts'
import { buttonClass } from '../../ui/Button.tsx'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { CodeBlock, CopyLine } from '../../ui/Copy.tsx'
import { Skeleton } from '../../ui/States.tsx'
import { agentCommand } from '../clusters/agent-command.ts'

/** The addresses that a new user needs, ready to be pasted. */
export function GettingStarted({ data }: { data: DescribeOverviewResponse | undefined }) {
  return (
    <Card>
      <CardHeader title="Getting started" />
      {data === undefined ? (
        <div role="status" aria-label="Loading the addresses" className="flex flex-col gap-4 p-4">
          <Skeleton className="h-8 w-full" />
          <Skeleton className="h-16 w-full" />
          <Skeleton className="h-16 w-full" />
        </div>
      ) : (
        <ol className="flex flex-col gap-5 p-4">
          {data.kafka_address === null ? (
            <Step title="Start an agent">
              <CodeBlock label="Copy the command" text={agentCommand(data.virtual_cluster.id, undefined)} />
              <p className="mt-1.5 text-xs text-muted">
                A key for it is in the{' '}
                <Link to="/settings" className="font-medium text-accent-text hover:underline">
                  settings
                </Link>{' '}
                of the cluster.
              </p>
            </Step>
          ) : (
            <>
              <Step title="Point any Kafka client here">
                <CopyLine label="Copy the Kafka address" text={data.kafka_address} />
              </Step>
              <Step title="Write and read a record">
                <CodeBlock label="Copy the commands" text={kcatLines(data.kafka_address)} />
              </Step>
            </>
          )}
          <Step title="Call the API">
            <CodeBlock label="Copy the curl command" text={curlLines(data)} />
          </Step>
          <Step title="Run a pipeline">
            <Link to="/pipelines" search={{ create: true }} className={buttonClass('secondary', 'small')}>
              Create pipeline
            </Link>
          </Step>
        </ol>
      )}
    </Card>
  )
}

function Step({ title, children }: { title: string; children: ReactNode }) {
  return (
    <li className="grid [counter-increment:step] grid-cols-[1.5rem_minmax(0,1fr)] gap-x-2.5">
      <span
        aria-hidden="true"
        className="flex size-5 items-center justify-center rounded-full bg-hover text-xs font-medium text-muted before:content-[counter(step)]"
      />
      <div>
        <h3 className="mb-2 text-sm font-medium">{title}</h3>
        {children}
      </div>
    </li>
  )
}

function kcatLines(address: string): string {
  return `echo hello | kcat -b ${address} -t greetings -P\nkcat -b ${address} -t greetings -C -e`
}

/** The key is not shown here: it was printed where Penstock was started. */
function curlLines(data: DescribeOverviewResponse): string {
  return [
    `curl -s ${data.api_url}/list_pipelines \\`,
    '  -H "warpstream-api-key: $WARPSTREAM_API_KEY" \\',
    `  -d '{"virtual_cluster_id":"${data.virtual_cluster.id}"}'`,
  ].join('\n')
}
