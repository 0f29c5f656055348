export { fenceFeature } from './fenced-client.ts'
export { abortOpenTransactions } from './abort-open.ts'
export { Broker } from './broker.ts'
export type { BrokerEndpoint, Cluster, ClusterView } from './cluster.ts'
export { type BrokerConfig, defaultBrokerConfig } from './config.ts'
export {
  type BucketFigures,
  type BucketFinding,
  checkBucket,
  type RebuildFigures,
  type Rebuilt,
  rebuildMetadata,
  type LogConfig,
  localLogConfig,
  remoteLogConfig,
} from './log/index.ts'
export { bearerCheck } from './security/bearer.ts'
export { ClusterCredentials, PasswordCheck } from './security/credentials.ts'
export { principalMapping } from './security/distinguished-names.ts'
export type { SecuritySettings, TlsSettings } from './security/settings.ts'
export { topicConfig } from './topic-config.ts'
