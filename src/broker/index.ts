export { Broker, type BrokerOptions } from './broker.ts'
export { type BrokerEndpoint, type Cluster, singleBrokerCluster } from './cluster.ts'
export { type BrokerConfig, defaultBrokerConfig } from './config.ts'
export type { BrokerCounters } from './counters.ts'
export type { ClassicGroup, Groups } from './groups/index.ts'
export { type LogConfig, localLogConfig, type RecordLog, remoteLogConfig } from './log/index.ts'
export {
  type ConfigDefinition,
  type TopicConfig,
  topicConfig,
  topicConfigDefinition,
  topicConfigDefinitions,
} from './topic-config.ts'
