/**
 * The path of a component in logs, metrics and `error_source_path`, derived from its configuration path. Like the
 * original, on whose names dashboards depend, it omits some steps: the index of a resource in its list, the case of a
 * `switch`, the check of a `group_by`, the name of a branch, the input of a `sequence`, and the owner of a `batching`
 * block.
 */
export function reportedPath(path: string): string {
  return left.reduce((shorter, [steps, kept]) => shorter.replaceAll(steps, kept), path)
}

const left: readonly (readonly [RegExp, string])[] = [
  [/^((?:input|output|processor|cache|rate_limit)_resources)\.\d+/g, '$1'],
  [/\.(switch|group_by)\.\d+\.processors/g, '.$1.processors'],
  [/\.workflow\.branches\.[^.]+\.processors/g, '.workflow.processors'],
  [/\.switch\.cases\.\d+\.output/g, '.switch.output'],
  [/\.sequence\.inputs\.\d+/g, '.sequence'],
  [/\.\w+\.(?:batching|batch_policy)\.processors/g, '.batching.processors'],
  [/\.batched\.policy\.processors/g, '.batching.processors'],
]
