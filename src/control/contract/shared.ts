import Type from 'typebox'
import { integer, list, named, object, oneOf, optional, type Shape, text } from './endpoint.ts'

// Shapes that endpoints of several areas share.

export const Empty = Type.Object({})
export type Empty = Readonly<Record<string, never>>

export const ClusterRequest = Type.Object({ virtual_cluster_id: text('`vci_…`') })
export type ClusterRequest = Shape<typeof ClusterRequest>

const Place = object({ line: integer(), column: integer() })

export const Finding = named(
  'Finding',
  {
    line: integer(),
    column: integer(),
    end: optional(Place),
    level: oneOf(['error', 'warning'], 'Only errors prevent saving.'),
    message: text(),
    hint: optional(text('A suggestion, e.g. `did you mean "topic"?`')),
  },
  'A position in a configuration and what is wrong there. Lines and columns count from 1; `end` is exclusive.',
)
export type Finding = Shape<typeof Finding>

const apiErrorCodes = [
  'invalid_request',
  'invalid_api_key',
  'forbidden',
  'unknown_endpoint',
  'virtual_cluster_not_found',
  'pipeline_not_found',
  'pipeline_configuration_not_found',
  'topic_not_found',
  'topic_message_not_found',
  'consumer_group_not_found',
  'consumer_group_not_empty',
  'api_key_not_found',
  'credentials_not_found',
  'workspace_not_found',
  'agent_not_found',
  'single_cluster',
  'cluster_protected',
  'duplicate_virtual_cluster_name',
  'duplicate_pipeline_name',
  'duplicate_api_key_name',
  'duplicate_credentials_name',
  'topic_already_exists',
  'topic_protected',
  'invalid_pipeline_configuration',
  'pipeline_not_deployable',
  'no_agent_available',
  'kafka_error',
  'metadata_unavailable',
  'database_unavailable',
  'incompatible_version',
  'shutting_down',
  'internal_error',
] as const
export type ApiErrorCode = (typeof apiErrorCodes)[number]

export const ApiError = named(
  'ApiError',
  {
    code: oneOf(apiErrorCodes),
    message: text(),
    findings: optional(list(Finding, 'Only with `invalid_pipeline_configuration`: what is wrong, and where.')),
  },
  'The body of every response other than 200.',
)
export type ApiError = Shape<typeof ApiError>
