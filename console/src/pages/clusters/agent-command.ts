/** What starts an agent of a cluster on a person's own machines. */
export function agentCommand(clusterId: string, agentKey: string | undefined): string {
  return [
    'penstock agent \\',
    `  -defaultVirtualClusterID ${clusterId} \\`,
    `  -agentKey ${agentKey ?? '$WARPSTREAM_AGENT_KEY'} \\`,
    `  -metadataURL ${location.origin} \\`,
    '  -bucketURL "s3://BUCKET?region=REGION" \\',
    '  -enableManagedPipelines',
  ].join('\n')
}
