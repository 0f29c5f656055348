import type { ApiError, ApiErrorCode, Finding } from './api-types.ts'

/**
 * The HTTP status of each code. The original's clients retry 429, 499 and 5xx and treat 404 as deleted, so a user's
 * mistake gets none of those.
 */
const statuses: Readonly<Record<ApiErrorCode, number>> = {
  invalid_request: 400,
  invalid_api_key: 401,
  forbidden: 403,
  unknown_endpoint: 404,
  virtual_cluster_not_found: 404,
  pipeline_not_found: 404,
  pipeline_configuration_not_found: 404,
  topic_not_found: 404,
  topic_message_not_found: 404,
  consumer_group_not_found: 404,
  consumer_group_not_empty: 409,
  api_key_not_found: 404,
  credentials_not_found: 404,
  workspace_not_found: 404,
  agent_not_found: 404,
  single_cluster: 409,
  cluster_protected: 409,
  duplicate_virtual_cluster_name: 409,
  duplicate_pipeline_name: 409,
  duplicate_api_key_name: 409,
  duplicate_credentials_name: 409,
  topic_already_exists: 409,
  topic_protected: 409,
  invalid_pipeline_configuration: 400,
  pipeline_not_deployable: 409,
  no_agent_available: 409,
  kafka_error: 400,
  metadata_unavailable: 503,
  database_unavailable: 503,
  incompatible_version: 409,
  shutting_down: 503,
  internal_error: 500,
}

/** A failed request; the server converts it into the response. */
export class ControlError extends Error {
  readonly code: ApiErrorCode
  readonly findings: readonly Finding[] | undefined

  constructor(code: ApiErrorCode, message: string, options: ErrorOptions & { findings?: readonly Finding[] } = {}) {
    super(message, options)
    this.name = 'ControlError'
    this.code = code
    this.findings = options.findings
  }

  /** The HTTP status of the code. */
  get status(): number {
    return statuses[this.code]
  }

  toJSON(): ApiError {
    return { code: this.code, message: this.message, ...(this.findings && { findings: this.findings }) }
  }
}
