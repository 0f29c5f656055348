import type { Clock, Random } from '../base/index.ts'
import type { Database, Sql } from '../database/index.ts'
import type { Finding, PipelineState } from './api-types.ts'
import type { PipelineSettings } from './configuration/settings.ts'
import { ControlError } from './errors.ts'
import { newId } from './ids.ts'
import type { Configuration, ConfigurationVersion, Pipeline, PipelineSummary } from './model.ts'
import * as store from './store/store.ts'

const maxNameLength = 128
const maxYamlBytes = 1024 * 1024

/** The findings of a configuration, and the settings of its `warpstream` block. */
export interface CheckedConfiguration {
  readonly findings: readonly Finding[]
  readonly settings: PipelineSettings
}

/** Checks a pipeline's configuration. */
export type PipelineLinter = (yaml: string) => Promise<CheckedConfiguration>

export interface PipelinesOptions {
  readonly database: Database
  readonly lint: PipelineLinter
  readonly clock: Clock
  readonly random: Random
  /** Called after every change, before the response. */
  readonly onChange: (clusterId: string, pipelineId: string) => Promise<void>
}

/** The pipelines of the clusters: named, with numbered immutable versions, one of them deployed. */
export class Pipelines {
  readonly #options: PipelinesOptions

  constructor(options: PipelinesOptions) {
    this.#options = options
  }

  list(clusterId: string): Promise<Pipeline[]> {
    return this.#read(sql => store.listPipelines(sql, clusterId))
  }

  /** All pipelines of a cluster, without the text of any configuration. */
  summaries(clusterId: string): Promise<PipelineSummary[]> {
    return this.#read(sql => store.listSummaries(sql, clusterId))
  }

  find(clusterId: string, id: string): Promise<Pipeline> {
    return this.#read(sql => find(sql, clusterId, id))
  }

  /** A pipeline and its versions, oldest first, without the text of any configuration. */
  summarize(clusterId: string, id: string): Promise<{ summary: PipelineSummary; versions: ConfigurationVersion[] }> {
    return this.#read(async sql => {
      const summary = await store.findSummary(sql, clusterId, id)
      if (summary === undefined) throw notFound(id)
      return { summary, versions: await store.listVersions(sql, id) }
    })
  }

  /** A pipeline with its versions, oldest first. */
  describe(clusterId: string, id: string): Promise<{ pipeline: Pipeline; configurations: Configuration[] }> {
    return this.#read(async sql => ({
      pipeline: await find(sql, clusterId, id),
      configurations: await store.listConfigurations(sql, id),
    }))
  }

  /** Creates a pipeline without a version, paused. */
  async create(clusterId: string, name: string, type: string): Promise<Pipeline> {
    checkName(name)
    if (type !== 'bento')
      throw new ControlError(
        'invalid_request',
        `pipelines of the type ${JSON.stringify(type)} are not supported, use "bento"`,
      )
    const { clock, random, onChange } = this.#options
    const pipeline = await this.#write(async sql => {
      await checkUnused(sql, clusterId, name)
      const created: Pipeline = {
        id: newId('pi', random),
        clusterId,
        name,
        type,
        state: 'paused',
        deployedConfigurationId: '',
        createdAt: clock.now(),
      }
      await store.insertPipeline(sql, created)
      return created
    })
    await onChange(clusterId, pipeline.id)
    return pipeline
  }

  /** Saves the next version exactly as typed. The first is deployed immediately; later ones do not affect what runs. */
  async saveConfiguration(clusterId: string, id: string, yaml: string): Promise<ConfigurationVersion> {
    await this.find(clusterId, id)
    const settings = await this.#check(yaml)
    const { clock, random, onChange } = this.#options
    const saved = await this.#write(async sql => {
      const pipeline = await findLocked(sql, clusterId, id)
      const version = await store.nextVersion(sql, id)
      const configuration: Configuration = {
        id: newId('pci', random),
        pipelineId: id,
        version,
        yaml,
        createdAt: clock.now(),
      }
      await store.insertConfiguration(sql, { ...configuration, settings })
      if (pipeline.deployedConfigurationId === '')
        await store.updatePipeline(sql, id, { deployedConfigurationId: configuration.id })
      return configuration
    })
    await onChange(clusterId, id)
    return saved
  }

  /** Changes the desired state; undefined properties stay the same. The agents follow. */
  async change(
    clusterId: string,
    id: string,
    desired: { readonly state: PipelineState | undefined; readonly deployedConfigurationId: string | undefined },
  ): Promise<void> {
    const { state, deployedConfigurationId } = desired
    await this.#write(async sql => {
      const pipeline = await findLocked(sql, clusterId, id)
      if (deployedConfigurationId !== undefined) await checkConfiguration(sql, id, deployedConfigurationId)
      const deployed = deployedConfigurationId ?? pipeline.deployedConfigurationId
      if ((state ?? pipeline.state) === 'running' && deployed === '')
        throw new ControlError('pipeline_not_deployable', 'the pipeline has no configuration yet: save one first')
      await store.updatePipeline(sql, id, {
        ...(state !== undefined && { state }),
        ...(deployedConfigurationId !== undefined && { deployedConfigurationId }),
      })
    })
    await this.#options.onChange(clusterId, id)
  }

  /** Renames a pipeline without touching what runs. */
  async rename(clusterId: string, id: string, name: string): Promise<void> {
    checkName(name)
    await this.#write(async sql => {
      const pipeline = await findLocked(sql, clusterId, id)
      if (pipeline.name === name) return
      await checkUnused(sql, clusterId, name)
      await store.updatePipeline(sql, id, { name })
    })
    await this.#options.onChange(clusterId, id)
  }

  async delete(clusterId: string, id: string): Promise<void> {
    await this.#write(async sql => {
      await findLocked(sql, clusterId, id)
      await store.deletePipeline(sql, id)
    })
    await this.#options.onChange(clusterId, id)
  }

  /** The findings of a configuration, without saving it. */
  async lint(yaml: string): Promise<readonly Finding[]> {
    return (await this.#lint(yaml)).findings
  }

  #lint(yaml: string): Promise<CheckedConfiguration> {
    if (Buffer.byteLength(yaml) > maxYamlBytes)
      throw new ControlError('invalid_request', `a configuration has at most ${maxYamlBytes} bytes`)
    return this.#options.lint(yaml)
  }

  async #check(yaml: string): Promise<PipelineSettings> {
    const { findings, settings } = await this.#lint(yaml)
    const errors = findings.filter(({ level }) => level === 'error')
    const first = errors[0]
    if (first === undefined) return settings
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    const message = `line ${first.line} column ${first.column}: ${first.message}${more}`
    throw new ControlError('invalid_pipeline_configuration', message, { findings: errors })
  }

  #read<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#options.database.transaction({ kind: 'read' }, work)
  }

  #write<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#options.database.transaction({ kind: 'write' }, work)
  }
}

function checkName(name: string): void {
  if (name.trim() === '' || name.length > maxNameLength)
    throw new ControlError('invalid_request', `pipeline_name has to have 1 to ${maxNameLength} characters`)
}

async function checkUnused(sql: Sql, clusterId: string, name: string): Promise<void> {
  if (await store.hasPipelineNamed(sql, clusterId, name))
    throw new ControlError('duplicate_pipeline_name', `there is a pipeline named ${JSON.stringify(name)} already`)
}

async function find(sql: Sql, clusterId: string, id: string): Promise<Pipeline> {
  const pipeline = await store.findPipeline(sql, clusterId, id)
  if (pipeline === undefined) throw notFound(id)
  return pipeline
}

async function findLocked(sql: Sql, clusterId: string, id: string): Promise<Pipeline> {
  const pipeline = await store.findPipeline(sql, clusterId, id, 'lock')
  if (pipeline === undefined) throw notFound(id)
  return pipeline
}

async function checkConfiguration(sql: Sql, pipelineId: string, id: string): Promise<void> {
  if (await store.hasConfiguration(sql, pipelineId, id)) return
  const message = `the pipeline has no configuration ${JSON.stringify(id)}`
  throw new ControlError('pipeline_configuration_not_found', message)
}

function notFound(id: string): ControlError {
  return new ControlError('pipeline_not_found', `there is no pipeline ${JSON.stringify(id)}`)
}
