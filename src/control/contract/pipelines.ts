import Type from 'typebox'
import { endpoint, integer, list, named, nullable, oneOf, optional, type Shape, text } from './endpoint.ts'
import { ClusterRequest, Empty, Finding } from './shared.ts'

export const PipelineState = oneOf(['running', 'paused'])
export type PipelineState = Shape<typeof PipelineState>

export const PipelineRequest = Type.Object({ ...ClusterRequest.properties, pipeline_id: text() })
export type PipelineRequest = Shape<typeof PipelineRequest>

export const PipelineOverview = named('PipelineOverview', {
  id: text(),
  name: text(),
  state: PipelineState,
  type: text(),
  deployed_configuration_id: text('Empty until a version has been saved.'),
})
export type PipelineOverview = Shape<typeof PipelineOverview>

export const PipelineConfiguration = named('PipelineConfiguration', {
  id: text(),
  version: integer('Counted from 0 in the order of saving.'),
  configuration_yaml: text('Exactly as it was saved.'),
})
export type PipelineConfiguration = Shape<typeof PipelineConfiguration>

export const pipelineEndpoints = {
  list_pipelines: endpoint({
    summary: 'Lists the pipelines of a cluster.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ pipelines: list(PipelineOverview) }),
  }),
  create_pipeline: endpoint({
    summary: 'Creates a pipeline, paused and without a configuration.',
    access: 'cluster_write',
    request: Type.Object({
      ...ClusterRequest.properties,
      pipeline_name: text('1 to 128 characters, unique in the cluster.'),
      pipeline_type: optional(text('`bento`, which is also the default.')),
    }),
    response: Type.Object({
      pipeline_id: text(),
      pipeline_name: text(),
      pipeline_state: PipelineState,
      pipeline_type: text(),
      pipeline_deployed_configuration_id: text(),
    }),
  }),
  create_pipeline_configuration: endpoint({
    summary:
      'Saves the next version of a configuration exactly as sent. The first version is deployed immediately, later ones are not. ' +
      'An invalid one is rejected with `invalid_pipeline_configuration`.',
    access: 'cluster_write',
    request: Type.Object({ ...PipelineRequest.properties, configuration_yaml: optional(text()) }),
    response: Type.Object({ configuration_id: text() }),
  }),
  change_pipeline_state: endpoint({
    summary: 'Runs or pauses a pipeline, or deploys one of its versions. A null or absent field changes nothing.',
    access: 'cluster_write',
    request: Type.Object({
      ...PipelineRequest.properties,
      desired_state: optional(nullable(PipelineState)),
      deployed_configuration_id: optional(nullable(text())),
    }),
    response: Empty,
  }),
  describe_pipeline: endpoint({
    summary: 'Describes a pipeline with all its versions, oldest first.',
    access: 'cluster_read',
    request: PipelineRequest,
    response: Type.Object({
      pipeline_overview: PipelineOverview,
      pipeline_configurations: list(PipelineConfiguration),
    }),
  }),
  delete_pipeline: endpoint({
    summary: 'Deletes a pipeline and all its versions.',
    access: 'cluster_write',
    request: PipelineRequest,
    response: Empty,
  }),
  rename_pipeline: endpoint({
    summary: 'Renames a pipeline. Running instances are not affected.',
    access: 'cluster_write',
    request: Type.Object({ ...PipelineRequest.properties, pipeline_name: text() }),
    response: Empty,
  }),
  lint_pipeline_configuration: endpoint({
    summary: 'Checks a configuration without saving it.',
    access: 'application',
    request: Type.Object({ configuration_yaml: text() }),
    response: Type.Object({ findings: list(Finding) }),
  }),
  get_pipeline_json_schema: endpoint({
    summary: 'Returns the JSON Schema of a pipeline configuration with the fields of every component.',
    access: 'application',
    request: Empty,
    response: Type.Object({ json_schema: Type.Record(Type.String(), Type.Unknown()) }),
  }),
}
