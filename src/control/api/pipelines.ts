import type { PipelineOverview } from '../api-types.ts'
import type { Pipeline } from '../model.ts'
import type { Handlers } from './endpoint.ts'

export const pipelineHandlers: Handlers<
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
  async list_pipelines({ plane, cluster }) {
    return { pipelines: (await plane.pipelines.list(cluster.id)).map(overview) }
  },

  async create_pipeline({ plane, cluster }, { pipeline_name, pipeline_type }) {
    const pipeline = await plane.pipelines.create(cluster.id, pipeline_name, pipeline_type || 'bento')
    return {
      pipeline_id: pipeline.id,
      pipeline_name: pipeline.name,
      pipeline_state: pipeline.state,
      pipeline_type: pipeline.type,
      pipeline_deployed_configuration_id: pipeline.deployedConfigurationId,
    }
  },

  async create_pipeline_configuration({ plane, cluster }, { pipeline_id, configuration_yaml }) {
    const { id } = await plane.pipelines.saveConfiguration(cluster.id, pipeline_id, configuration_yaml ?? '')
    return { configuration_id: id }
  },

  async change_pipeline_state({ plane, cluster }, { pipeline_id, desired_state, deployed_configuration_id }) {
    await plane.pipelines.change(cluster.id, pipeline_id, {
      state: desired_state ?? undefined,
      deployedConfigurationId: deployed_configuration_id ?? undefined,
    })
    return {}
  },

  async describe_pipeline({ plane, cluster }, { pipeline_id }) {
    const { pipeline, configurations } = await plane.pipelines.describe(cluster.id, pipeline_id)
    return {
      pipeline_overview: overview(pipeline),
      pipeline_configurations: configurations.map(({ id, version, yaml }) => ({
        id,
        version,
        configuration_yaml: yaml,
      })),
    }
  },

  async delete_pipeline({ plane, cluster, fleet }, { pipeline_id }) {
    await plane.pipelines.delete(cluster.id, pipeline_id)
    fleet.board.forgetPipeline(pipeline_id)
    return {}
  },

  async rename_pipeline({ plane, cluster }, { pipeline_id, pipeline_name }) {
    await plane.pipelines.rename(cluster.id, pipeline_id, pipeline_name)
    return {}
  },

  async lint_pipeline_configuration({ plane }, { configuration_yaml }) {
    return { findings: await plane.pipelines.lint(configuration_yaml) }
  },

  async get_pipeline_json_schema({ plane }) {
    return { json_schema: await plane.options.jsonSchema() }
  },
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
