import type { ApiResponse } from '../../../src/control/api-types.ts'

/** The API's own types, so that what the server writes and the console reads is declared once. */
export type * from '../../../src/control/api-types.ts'

export type DescribeOverviewResponse = ApiResponse<'describe_overview'>
export type DescribePipelineResponse = ApiResponse<'describe_pipeline'>
export type DescribePipelineStatusResponse = ApiResponse<'describe_pipeline_status'>
export type DescribeSessionResponse = ApiResponse<'describe_session'>
export type DescribeTopicResponse = ApiResponse<'describe_topic'>
