/** The command that starts an agent of a cluster on the user's own machines. */
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
