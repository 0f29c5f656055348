export type {
  AgentLink,
  AgentReport,
  InstanceOrder,
  InstanceReport,
  LogReport,
  Orders,
  Peer,
  RelayAnswer,
  RelayQuestion,
  Traffic,
} from './agent-link.ts'
export type * from './api-types.ts'
export { managedComponents } from './configuration/components.ts'
export { pipelineJsonSchema } from './configuration/json-schema.ts'
export { createLinter } from './configuration/linter.ts'
export { defaultSettings, readSettings } from './configuration/settings.ts'
export { ControlPlane, type DefaultCluster } from './control-plane.ts'
export { ControlError } from './errors.ts'
export { AgentConnection, LinkRefused } from './link/agent-connection.ts'
export { LinkServer } from './link/link-server.ts'
export type { AgentHello } from './model.ts'
export type { CheckedConfiguration } from './pipelines.ts'
export { SealingKeyError, sealingKeyBytes } from './sealing.ts'
export { ControlServer } from './server.ts'
