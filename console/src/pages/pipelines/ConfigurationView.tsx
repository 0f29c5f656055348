import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { errorText, RequestError } from '../../api/client.ts'
import { useChangePipeline, useSavePipeline } from '../../api/queries.ts'
import type {
  DescribePipelineResponse,
  DescribePipelineStatusResponse,
  PipelineConfiguration,
} from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { useTheme } from '../../app/theme.tsx'
import type { Schema } from '../../editor/schema.ts'
import { type EditorHandle, YamlEditor } from '../../editor/YamlEditor.tsx'
import { Button } from '../../ui/Button.tsx'
import { commandKey } from '../../ui/Kbd.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { Notice } from '../../ui/States.tsx'
import { useToast } from '../../ui/Toasts.tsx'
import { CompareView } from './CompareView.tsx'
import { compare } from './comparison.ts'
import { ExampleCards } from './ExampleCards.tsx'
import { examples } from './examples.ts'
import { FindingsPanel } from './FindingsPanel.tsx'
import { LeaveGuard } from './LeaveGuard.tsx'
import { useDraft } from './use-draft.ts'
import { type Lint, useLint } from './use-lint.ts'
import { VersionList } from './VersionList.tsx'

const route = getRouteApi('/pipelines/$pipelineId')

interface ConfigurationViewProps {
  readonly pipeline: DescribePipelineResponse
  readonly status: DescribePipelineStatusResponse | undefined
}

/** The versions of a pipeline and the editor in which the next one is written. */
export default function ConfigurationView({ pipeline, status }: ConfigurationViewProps) {
  const overview = pipeline.pipeline_overview
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const toast = useToast()
  const theme = useTheme()
  const { clusterId, queries } = useCluster()
  const schema = useQuery(queries.schema)
  const save = useSavePipeline(clusterId, overview.id)
  const change = useChangePipeline(clusterId, overview.id)
  const editor = useRef<EditorHandle>(null)
  const [refused, setRefused] = useState<Lint>()

  const selected = useSelectedVersion(pipeline, search.version)
  const draft = useDraft(selected)
  const { lint, isChecking, error: lintError } = useLint(draft.documentId, draft.text)
  const deployed = pipeline.pipeline_configurations.find(one => one.id === overview.deployed_configuration_id)
  const isBlank = draft.text.trim() === ''
  const wasRefused = refused?.text === draft.text
  const canDeploy = selected !== undefined && selected.id !== deployed?.id && !draft.isDirty

  const handleDeploy = (version: PipelineConfiguration) => {
    change.mutate(
      { configurationId: version.id },
      {
        onSuccess: () => toast({ tone: 'ok', title: `Version ${version.version} deployed` }),
        onError: error => toast({ tone: 'bad', title: 'Not deployed', text: errorText(error) }),
      },
    )
  }

  const handleSaved = async (configurationId: string) => {
    setRefused(undefined)
    const fresh = await client.fetchQuery({ ...queries.pipeline(overview.id), staleTime: 0 })
    const saved = fresh.pipeline_configurations.find(one => one.id === configurationId)
    if (saved === undefined) return
    draft.settle(saved)
    await navigate({ search: { version: saved.version }, replace: true, ignoreBlocker: true })
    const isDeployed = fresh.pipeline_overview.deployed_configuration_id === saved.id
    toast({
      tone: 'ok',
      title: `Saved as Version ${saved.version}`,
      text: isDeployed ? 'It is deployed, and runs when the pipeline is switched on.' : 'Deploy it when it should run.',
    })
  }

  const handleSave = () => {
    if (save.isPending || !draft.isDirty || isBlank) return
    const text = draft.text
    save.mutate(text, {
      onSuccess: created => void handleSaved(created.configuration_id),
      onError: error => {
        if (error instanceof RequestError && error.findings.length > 0) {
          setRefused({ text, findings: error.findings })
        } else toast({ tone: 'bad', title: 'Not saved', text: errorText(error) })
      },
    })
  }

  const comparison = compare(pipeline, search.compare, selected, draft)
  return (
    <div className="grid h-full min-h-0 grid-rows-[9rem_minmax(0,1fr)] md:grid-cols-[13.5rem_minmax(0,1fr)] md:grid-rows-1">
      <div className="flex min-h-0 flex-col border-b border-line bg-sunken md:border-r md:border-b-0">
        <VersionList pipeline={pipeline} status={status} selected={selected?.version} isDraft={draft.isDirty} />
      </div>
      <div className="relative flex min-h-0 min-w-0 flex-col bg-surface">
        <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-2 border-b border-line px-3 py-1.5">
          <h2 className="mr-auto flex items-center gap-2 pl-1 text-sm font-semibold">
            {draft.isDirty || selected === undefined ? 'Draft' : `Version ${selected.version}`}
            {!draft.isDirty && selected !== undefined && selected.id === deployed?.id && (
              <Pill tone="accent">Deployed</Pill>
            )}
            {draft.isDirty && <Pill tone="warn">Not saved</Pill>}
          </h2>
          <Menu
            trigger={
              <Button size="small" variant="ghost" icon="book">
                Examples
              </Button>
            }
            items={examples.map(example => ({
              label: example.name,
              note: example.note,
              onSelect: () => editor.current?.replace(example.text),
            }))}
          />
          {comparison.choices.length > 1 && (
            <Button
              size="small"
              variant="ghost"
              icon="compare"
              onClick={() => void navigate({ search: { ...search, compare: comparison.defaultLeft } })}
            >
              Compare
            </Button>
          )}
          {canDeploy && (
            <Button size="small" icon="deploy" busy={change.isPending} onClick={() => handleDeploy(selected)}>
              Deploy
            </Button>
          )}
          <Button
            size="small"
            variant="primary"
            icon="save"
            title={`Save as Version ${pipeline.pipeline_configurations.length} (${commandKey}+S)`}
            busy={save.isPending}
            disabled={!draft.isDirty || isBlank}
            onClick={handleSave}
          >
            Save
          </Button>
        </div>
        {selected !== undefined && deployed !== undefined && selected.id !== deployed.id && (
          <div className="shrink-0 border-b border-line p-2">
            <Notice tone="warn">
              Version {selected.version} is not deployed; Version {deployed.version} is
              {overview.state === 'running' ? ', and it is the one that runs' : ''}.
            </Notice>
          </div>
        )}
        <div className="min-h-0 flex-1">
          <YamlEditor
            ref={editor}
            documentId={draft.documentId}
            initialText={draft.text}
            onChange={draft.setText}
            onSave={handleSave}
            lint={wasRefused ? refused : lint}
            schema={schema.data as Schema | undefined}
            dark={theme.shown === 'dark'}
          />
        </div>
        {isBlank && <ExampleCards onChoose={text => editor.current?.replace(text)} />}
        <FindingsPanel
          findings={wasRefused ? refused.findings : lint?.findings}
          refused={wasRefused}
          isChecking={isChecking}
          isBlank={isBlank}
          failure={lintError === null ? undefined : errorText(lintError)}
          onJump={(line, column) => editor.current?.jumpTo(line, column)}
        />
        {comparison.left !== undefined && comparison.right !== undefined && (
          <div className="absolute inset-0 z-10 bg-surface">
            <CompareView
              left={comparison.left}
              right={comparison.right}
              choices={comparison.choices}
              dark={theme.shown === 'dark'}
              onChange={(left, right) =>
                void navigate({
                  search: {
                    ...(right === 'draft' ? { version: search.version } : { version: Number(right) }),
                    compare: left === 'draft' ? Number(right) : Number(left),
                  },
                  replace: true,
                })
              }
              onClose={() => void navigate({ search: { ...search, compare: undefined } })}
            />
          </div>
        )}
      </div>
      <LeaveGuard wouldLose={draft.wouldLose} />
    </div>
  )
}

/**
 * The version that the address names; else the one that was deployed when the page was opened, so that somebody's
 * deployment does not exchange the text under the cursor.
 */
function useSelectedVersion(
  pipeline: DescribePipelineResponse,
  asked: number | undefined,
): PipelineConfiguration | undefined {
  const versions = pipeline.pipeline_configurations
  const [openedId, setOpenedId] = useState<string>()
  const opened =
    versions.find(one => one.id === openedId) ??
    versions.find(one => one.id === pipeline.pipeline_overview.deployed_configuration_id) ??
    versions.at(-1)
  if (opened !== undefined && opened.id !== openedId) setOpenedId(opened.id)
  return versions.find(one => one.version === asked) ?? opened
}
