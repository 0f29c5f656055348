import type { Clock, Random } from '../base/index.ts'
import type { Finding, PipelineState } from './api-types.ts'
import { ControlError } from './errors.ts'
import { newId } from './ids.ts'
import type { Configuration, Pipeline } from './model.ts'
import type { Database, Sql } from './store/database.ts'
import * as store from './store/store.ts'

const maxNameLength = 128
const maxYamlBytes = 1024 * 1024

/** Tells what is wrong with a pipeline's configuration. */
export type PipelineLinter = (yaml: string) => Promise<readonly Finding[]>

export interface PipelinesOptions {
  readonly database: Database
  readonly lint: PipelineLinter
  readonly clock: Clock
  readonly random: Random
  /** Called after every change, before the answer. */
  readonly onChange: (pipelineId: string) => Promise<void>
}

/** The pipelines of the clusters: named, with numbered versions that never change, one of them deployed. */
export class Pipelines {
  readonly #options: PipelinesOptions

  constructor(options: PipelinesOptions) {
    this.#options = options
  }

  list(clusterId: string): Promise<Pipeline[]> {
    return this.#read(sql => store.listPipelines(sql, clusterId))
  }

  /** A pipeline with its versions, oldest first. */
  describe(clusterId: string, id: string): Promise<{ pipeline: Pipeline; configurations: Configuration[] }> {
    return this.#read(async sql => ({
      pipeline: await find(sql, clusterId, id),
      configurations: await store.listConfigurations(sql, id),
    }))
  }

  /** A new pipeline has no version and is paused. */
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
    await onChange(pipeline.id)
    return pipeline
  }

  /** Saves the next version, exactly as typed. The first one is deployed by that; later ones change nothing that runs. */
  async saveConfiguration(clusterId: string, id: string, yaml: string): Promise<Configuration> {
    await this.#read(sql => find(sql, clusterId, id))
    await this.#check(yaml)
    const { clock, random, onChange } = this.#options
    const configuration = await this.#write(async sql => {
      const pipeline = await find(sql, clusterId, id)
      const version = await store.nextVersion(sql, id)
      const saved = { id: newId('pci', random), pipelineId: id, version, yaml, createdAt: clock.now() }
      await store.insertConfiguration(sql, saved)
      if (pipeline.deployedConfigurationId === '')
        await store.updatePipeline(sql, { ...pipeline, deployedConfigurationId: saved.id })
      return saved
    })
    await onChange(id)
    return configuration
  }

  /** Sets what shall be: what is undefined stays. The agents follow. */
  async change(
    clusterId: string,
    id: string,
    desired: { readonly state: PipelineState | undefined; readonly deployedConfigurationId: string | undefined },
  ): Promise<void> {
    await this.#write(async sql => {
      const pipeline = await find(sql, clusterId, id)
      const deployedConfigurationId = desired.deployedConfigurationId ?? pipeline.deployedConfigurationId
      if (desired.deployedConfigurationId !== undefined)
        await findConfiguration(sql, id, desired.deployedConfigurationId)
      const state = desired.state ?? pipeline.state
      if (state === 'running' && deployedConfigurationId === '')
        throw new ControlError('pipeline_not_deployable', 'the pipeline has no configuration yet: save one first')
      await store.updatePipeline(sql, { ...pipeline, state, deployedConfigurationId })
    })
    await this.#options.onChange(id)
  }

  /** Gives a pipeline another name. What runs is untouched. */
  async rename(clusterId: string, id: string, name: string): Promise<void> {
    checkName(name)
    await this.#write(async sql => {
      const pipeline = await find(sql, clusterId, id)
      if (pipeline.name === name) return
      await checkUnused(sql, clusterId, name)
      await store.renamePipeline(sql, id, name)
    })
    await this.#options.onChange(id)
  }

  async delete(clusterId: string, id: string): Promise<void> {
    await this.#write(async sql => {
      await find(sql, clusterId, id)
      await store.deletePipeline(sql, id)
    })
    await this.#options.onChange(id)
  }

  /** What is wrong with a configuration, without saving it. */
  lint(yaml: string): Promise<readonly Finding[]> {
    if (Buffer.byteLength(yaml) > maxYamlBytes)
      throw new ControlError('invalid_request', `a configuration has at most ${maxYamlBytes} bytes`)
    return this.#options.lint(yaml)
  }

  async #check(yaml: string): Promise<void> {
    const findings = (await this.lint(yaml)).filter(({ level }) => level === 'error')
    const first = findings[0]
    if (first === undefined) return
    const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
    const message = `line ${first.line} column ${first.column}: ${first.message}${more}`
    throw new ControlError('invalid_pipeline_configuration', message, { findings })
  }

  #read<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#options.database.transaction('relaxed', work)
  }

  #write<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#options.database.transaction('durable', work)
  }
}

function checkName(name: string): void {
  if (name.trim() === '' || name.length > maxNameLength)
    throw new ControlError('invalid_request', `pipeline_name has to have 1 to ${maxNameLength} characters`)
}

async function checkUnused(sql: Sql, clusterId: string, name: string): Promise<void> {
  if ((await store.listPipelines(sql, clusterId)).some(other => other.name === name))
    throw new ControlError('duplicate_pipeline_name', `there is a pipeline named ${JSON.stringify(name)} already`)
}

async function find(sql: Sql, clusterId: string, id: string): Promise<Pipeline> {
  const pipeline = await store.findPipeline(sql, clusterId, id)
  if (pipeline === undefined) throw new ControlError('pipeline_not_found', `there is no pipeline ${JSON.stringify(id)}`)
  return pipeline
}

async function findConfiguration(sql: Sql, pipelineId: string, id: string): Promise<Configuration> {
  const configuration = await store.findConfiguration(sql, id)
  if (configuration?.pipelineId === pipelineId) return configuration
  const message = `the pipeline has no configuration ${JSON.stringify(id)}`
  throw new ControlError('pipeline_configuration_not_found', message)
}
