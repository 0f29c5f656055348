import type { PipelineOverview } from '../api-types.ts'
import type { Pipeline } from '../model.ts'
import { type Body, type Endpoints, readCluster, readNothing } from './endpoint.ts'

export const pipelineEndpoints: Endpoints<
  | 'list_pipelines'
  | 'create_pipeline'
  | 'create_pipeline_configuration'
  | 'change_pipeline_state'
  | 'describe_pipeline'
  | 'delete_pipeline'
  | 'rename_pipeline'
  | 'lint_pipeline_configuration'
  | 'get_pipeline_json_schema'
> = {
  list_pipelines: {
    read: readCluster,
    async answer(plane, { virtual_cluster_id }) {
      const { id } = plane.cluster(virtual_cluster_id)
      return { pipelines: (await plane.pipelines.list(id)).map(overview) }
    },
  },

  create_pipeline: {
    read: body => ({
      ...readCluster(body),
      pipeline_name: body.text('pipeline_name'),
      pipeline_type: body.optionalText('pipeline_type'),
    }),
    async answer(plane, { virtual_cluster_id, pipeline_name, pipeline_type }) {
      const { id } = plane.cluster(virtual_cluster_id)
      const pipeline = await plane.pipelines.create(id, pipeline_name, pipeline_type || 'bento')
      return {
        pipeline_id: pipeline.id,
        pipeline_name: pipeline.name,
        pipeline_state: pipeline.state,
        pipeline_type: pipeline.type,
        pipeline_deployed_configuration_id: pipeline.deployedConfigurationId,
      }
    },
  },

  create_pipeline_configuration: {
    read: body => ({ ...readPipeline(body), configuration_yaml: body.text('configuration_yaml') }),
    async answer(plane, { virtual_cluster_id, pipeline_id, configuration_yaml }) {
      const { id } = plane.cluster(virtual_cluster_id)
      const configuration = await plane.pipelines.saveConfiguration(id, pipeline_id, configuration_yaml ?? '')
      return { configuration_id: configuration.id }
    },
  },

  change_pipeline_state: {
    read: body => ({
      ...readPipeline(body),
      desired_state: body.optionalOneOf('desired_state', ['running', 'paused']),
      deployed_configuration_id: body.optionalText('deployed_configuration_id'),
    }),
    async answer(plane, { virtual_cluster_id, pipeline_id, desired_state, deployed_configuration_id }) {
      const { id } = plane.cluster(virtual_cluster_id)
      await plane.pipelines.change(id, pipeline_id, {
        state: desired_state ?? undefined,
        deployedConfigurationId: deployed_configuration_id ?? undefined,
      })
      return {}
    },
  },

  describe_pipeline: {
    read: readPipeline,
    async answer(plane, { virtual_cluster_id, pipeline_id }) {
      const { id } = plane.cluster(virtual_cluster_id)
      const { pipeline, configurations } = await plane.pipelines.describe(id, pipeline_id)
      return {
        pipeline_overview: overview(pipeline),
        pipeline_configurations: configurations.map(({ id, version, yaml }) => ({
          id,
          version,
          configuration_yaml: yaml,
        })),
      }
    },
  },

  delete_pipeline: {
    read: readPipeline,
    async answer(plane, { virtual_cluster_id, pipeline_id }) {
      const { id } = plane.cluster(virtual_cluster_id)
      await plane.pipelines.delete(id, pipeline_id)
      plane.board.forgetPipeline(pipeline_id)
      return {}
    },
  },

  rename_pipeline: {
    read: body => ({ ...readPipeline(body), pipeline_name: body.text('pipeline_name') }),
    async answer(plane, { virtual_cluster_id, pipeline_id, pipeline_name }) {
      const { id } = plane.cluster(virtual_cluster_id)
      await plane.pipelines.rename(id, pipeline_id, pipeline_name)
      return {}
    },
  },

  lint_pipeline_configuration: {
    read: body => ({ configuration_yaml: body.text('configuration_yaml') }),
    answer: async (plane, { configuration_yaml }) => ({ findings: await plane.pipelines.lint(configuration_yaml) }),
  },

  get_pipeline_json_schema: {
    read: readNothing,
    answer: async plane => ({ json_schema: await plane.options.jsonSchema() }),
  },
}

export function readPipeline(body: Body) {
  return { ...readCluster(body), pipeline_id: body.text('pipeline_id') }
}

function overview(pipeline: Pipeline): PipelineOverview {
  return {
    id: pipeline.id,
    name: pipeline.name,
    state: pipeline.state,
    type: pipeline.type,
    deployed_configuration_id: pipeline.deployedConfigurationId,
  }
}
