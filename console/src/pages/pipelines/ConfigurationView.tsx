import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense, useRef, useState } from 'react'
import { errorText, RequestError } from '../../api/client.ts'
import { useChangePipeline, useSavePipeline } from '../../api/changes.ts'
import type {
  DescribePipelineResponse,
  DescribePipelineStatusResponse,
  PipelineConfiguration,
} from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { useTheme } from '../../app/theme.tsx'
import type { Schema } from '../../editor/schema.ts'
import { type EditorHandle, YamlEditor } from '../../editor/YamlEditor.tsx'
import { Notice } from '../../ui/States.tsx'
import { useToast } from '../../ui/Toasts.tsx'
import { CompareView } from './CompareView.tsx'
import { compare } from './comparison.ts'
import { EditorToolbar } from './EditorToolbar.tsx'
import { ExampleCards } from './ExampleCards.tsx'
import { FindingsPanel } from './FindingsPanel.tsx'
import { LeaveGuard } from './LeaveGuard.tsx'
import { useDraft } from './use-draft.ts'
import { type Lint, useLint } from './use-lint.ts'
import { VersionList } from './VersionList.tsx'

const route = getRouteApi('/pipelines/$pipelineId')
const GalleryDialog = lazy(() => import('./GalleryDialog.tsx'))

interface ConfigurationViewProps {
  readonly pipeline: DescribePipelineResponse
  readonly status: DescribePipelineStatusResponse | undefined
}

/** The versions of a pipeline, and the editor in which the next one is written. */
export default function ConfigurationView({ pipeline, status }: ConfigurationViewProps) {
  const overview = pipeline.pipeline_overview
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const theme = useTheme()
  const schema = useQuery(useCluster().queries.schema)
  const editor = useRef<EditorHandle>(null)
  const [isGalleryOpen, setGalleryOpen] = useState(false)

  const selected = useSelectedVersion(pipeline, search.version)
  const draft = useDraft(selected)
  const { save, isSaving, refused } = useSaveDraft(overview.id, draft)
  const { deploy, isDeploying } = useDeploy(overview.id)
  const { lint, isChecking, error: lintError } = useLint(draft.documentId, draft.text)
  const deployed = pipeline.pipeline_configurations.find(one => one.id === overview.deployed_configuration_id)
  const isBlank = draft.text.trim() === ''
  const isOther = selected !== undefined && selected.id !== deployed?.id
  const comparison = compare(pipeline, search.compare, selected, draft)

  const handleExample = (text: string) => {
    setGalleryOpen(false)
    editor.current?.replace(text)
  }

  return (
    <div className="grid h-full min-h-0 grid-rows-[auto_minmax(0,1fr)] md:grid-cols-[13.5rem_minmax(0,1fr)] md:grid-rows-1">
      <div className="flex min-h-0 min-w-0 flex-col border-b border-line bg-sunken md:border-r md:border-b-0">
        <VersionList pipeline={pipeline} status={status} selected={selected?.version} isDraft={draft.isDirty} />
      </div>
      <div className="relative flex min-h-0 min-w-0 flex-col bg-surface">
        <EditorToolbar
          version={selected?.version}
          isDeployed={selected !== undefined && selected.id === deployed?.id}
          isDirty={draft.isDirty}
          isBlank={isBlank}
          nextVersion={pipeline.pipeline_configurations.length}
          canCompare={comparison.choices.length > 1}
          canDeploy={isOther && !draft.isDirty}
          isSaving={isSaving}
          isDeploying={isDeploying}
          onExample={handleExample}
          onMoreExamples={() => setGalleryOpen(true)}
          onCompare={() => void navigate({ search: { ...search, compare: comparison.defaultLeft } })}
          onDiscard={() => editor.current?.replace(draft.baseText)}
          onSave={save}
          onDeploy={() => selected !== undefined && deploy(selected)}
        />
        {isOther && deployed !== undefined && (
          <div className="shrink-0 border-b border-line p-2">
            <Notice tone="warn">
              Version {selected.version} is not deployed; Version {deployed.version} is
              {overview.state === 'running' ? ', and it is the one that runs' : ''}.
            </Notice>
          </div>
        )}
        <div className="min-h-40 flex-1">
          <YamlEditor
            ref={editor}
            documentId={draft.documentId}
            initialText={draft.text}
            onChange={draft.setText}
            onSave={save}
            lint={refused ?? lint}
            schema={schema.data as Schema | undefined} // the endpoint returns JSON Schema
            dark={theme.shown === 'dark'}
          />
        </div>
        {isBlank && <ExampleCards onChoose={handleExample} onMore={() => setGalleryOpen(true)} />}
        <FindingsPanel
          findings={refused?.findings ?? lint?.findings}
          refused={refused !== undefined}
          isChecking={isChecking}
          isBlank={isBlank}
          failure={lintError === null ? undefined : errorText(lintError)}
          onJump={(line, column) => editor.current?.jumpTo(line, column)}
        />
        <ComparisonPanel
          pipeline={pipeline}
          comparison={comparison}
          onDeploy={deploy}
          isDeploying={isDeploying}
          dark={theme.shown === 'dark'}
        />
      </div>
      {isGalleryOpen && (
        <Suspense>
          <GalleryDialog onChoose={handleExample} onClose={() => setGalleryOpen(false)} />
        </Suspense>
      )}
      <LeaveGuard wouldLose={draft.wouldLose} onDiscard={draft.discard} />
    </div>
  )
}

interface ComparisonPanelProps {
  readonly pipeline: DescribePipelineResponse
  readonly comparison: ReturnType<typeof compare>
  readonly onDeploy: (version: PipelineConfiguration) => void
  readonly isDeploying: boolean
  readonly dark: boolean
}

/** Two versions side by side, over the editor; nothing if none are compared. */
function ComparisonPanel({ pipeline, comparison, onDeploy, isDeploying, dark }: ComparisonPanelProps) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { left, right, choices } = comparison
  if (left === undefined || right === undefined) return null
  const compared = pipeline.pipeline_configurations.find(one => String(one.version) === right.key)
  const isDeployable = compared !== undefined && compared.id !== pipeline.pipeline_overview.deployed_configuration_id
  return (
    <div className="absolute inset-0 z-10 bg-surface">
      <CompareView
        left={left}
        right={right}
        choices={choices}
        dark={dark}
        onDeploy={isDeployable ? () => onDeploy(compared) : undefined}
        isDeploying={isDeploying}
        onChange={(leftKey, rightKey) =>
          void navigate({
            search: {
              ...(rightKey === 'draft' ? { version: search.version } : { version: Number(rightKey) }),
              compare: leftKey === 'draft' ? Number(rightKey) : Number(leftKey),
            },
            replace: true,
          })
        }
        onClose={() => void navigate({ search: { ...search, compare: undefined } })}
      />
    </div>
  )
}

function useDeploy(pipelineId: string) {
  const toast = useToast()
  const change = useChangePipeline(useCluster().clusterId, pipelineId)
  const deploy = (version: PipelineConfiguration) =>
    change.mutate(
      { configurationId: version.id },
      {
        onSuccess: () => toast({ tone: 'ok', title: `Version ${version.version} deployed` }),
        onError: error => toast({ tone: 'bad', title: 'Not deployed', text: errorText(error) }),
      },
    )
  return { deploy, isDeploying: change.isPending }
}

/** Saves a draft as the next version. `refused` has the findings of a rejected text, until the text changes. */
function useSaveDraft(pipelineId: string, draft: ReturnType<typeof useDraft>) {
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const toast = useToast()
  const { clusterId, queries } = useCluster()
  const mutation = useSavePipeline(clusterId, pipelineId)
  const [refused, setRefused] = useState<Lint>()

  const handleSaved = async (configurationId: string) => {
    setRefused(undefined)
    const fresh = await client.fetchQuery({ ...queries.pipeline(pipelineId), staleTime: 0 })
    const saved = fresh.pipeline_configurations.find(one => one.id === configurationId)
    if (saved === undefined) return
    draft.settle(saved)
    await navigate({ search: { version: saved.version }, replace: true, ignoreBlocker: true })
    const isDeployed = fresh.pipeline_overview.deployed_configuration_id === saved.id
    toast({
      tone: 'ok',
      title: `Saved as Version ${saved.version}`,
      text: isDeployed ? 'It is deployed, and runs when you switch the pipeline on.' : 'Deploy it to run it.',
    })
  }

  const save = () => {
    const { text, isDirty } = draft
    if (mutation.isPending || !isDirty || text.trim() === '') return
    mutation.mutate(text, {
      onSuccess: created => void handleSaved(created.configuration_id),
      onError: error => {
        if (error instanceof RequestError && error.findings.length > 0) {
          setRefused({ text, findings: error.findings })
        } else toast({ tone: 'bad', title: 'Not saved', text: errorText(error) })
      },
    })
  }
  return { save, isSaving: mutation.isPending, refused: refused?.text === draft.text ? refused : undefined }
}

/**
 * The version that the URL names; else the one that was deployed when the page was opened, so that a deployment by
 * someone else does not replace the text under the cursor.
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
