import type { DescribePipelineResponse, PipelineConfiguration } from '../../api/types.ts'

export interface Comparable {
  /** A version's number, or `draft`. */
  readonly key: string
  readonly label: string
  readonly text: string
}

interface Comparison {
  readonly choices: readonly Comparable[]
  /** Set while a comparison is open. */
  readonly left: Comparable | undefined
  readonly right: Comparable | undefined
  /** The default left side: the deployed version, or the previous one. */
  readonly defaultLeft: number
}

/** What can be compared, and what is: `asked` is the left version from the URL, the right one is the open document. */
export function compare(
  pipeline: DescribePipelineResponse,
  asked: number | undefined,
  selected: PipelineConfiguration | undefined,
  draft: { readonly isDirty: boolean; readonly text: string },
): Comparison {
  const versions = pipeline.pipeline_configurations
  const choices: Comparable[] = versions.map(one => ({
    key: String(one.version),
    label: `Version ${one.version}`,
    text: one.configuration_yaml,
  }))
  if (draft.isDirty) choices.push({ key: 'draft', label: 'Draft', text: draft.text })
  const right = choices.find(one => one.key === (draft.isDirty ? 'draft' : String(selected?.version)))
  const deployed = versions.find(one => one.id === pipeline.pipeline_overview.deployed_configuration_id)
  const isSelf = !draft.isDirty && deployed?.id === selected?.id
  const defaultLeft = isSelf ? Math.max(0, (selected?.version ?? 0) - 1) : (deployed?.version ?? 0)
  if (asked === undefined || choices.length < 2) return { choices, left: undefined, right: undefined, defaultLeft }
  return { choices, left: choices.find(one => one.key === String(asked)), right, defaultLeft }
}
