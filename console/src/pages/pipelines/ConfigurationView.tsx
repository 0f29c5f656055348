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
  const [isGalleryOpen, setGalleryOpen] = useState(false)

  const selected = useSelectedVersion(pipeline, search.version)
  const draft = useDraft(selected)
  const { lint, isChecking, error: lintError } = useLint(draft.documentId, draft.text)
  const deployed = pipeline.pipeline_configurations.find(one => one.id === overview.deployed_configuration_id)
  const isBlank = draft.text.trim() === ''
  const wasRefused = refused?.text === draft.text
  const canDeploy = selected !== undefined && selected.id !== deployed?.id && !draft.isDirty

  const handleExample = (text: string) => {
    setGalleryOpen(false)
    editor.current?.replace(text)
  }

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
      text: isDeployed ? 'It is deployed, and runs when you switch the pipeline on.' : 'Deploy it to run it.',
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
  const compared = pipeline.pipeline_configurations.find(one => String(one.version) === comparison.right?.key)
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
          canDeploy={canDeploy}
          isSaving={save.isPending}
          isDeploying={change.isPending}
          onExample={handleExample}
          onMoreExamples={() => setGalleryOpen(true)}
          onCompare={() => void navigate({ search: { ...search, compare: comparison.defaultLeft } })}
          onDiscard={() => editor.current?.replace(draft.baseText)}
          onSave={handleSave}
          onDeploy={() => selected !== undefined && handleDeploy(selected)}
        />
        {selected !== undefined && deployed !== undefined && selected.id !== deployed.id && (
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
            onSave={handleSave}
            lint={wasRefused ? refused : lint}
            schema={schema.data as Schema | undefined} // the endpoint returns JSON Schema
            dark={theme.shown === 'dark'}
          />
        </div>
        {isBlank && <ExampleCards onChoose={handleExample} onMore={() => setGalleryOpen(true)} />}
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
              onDeploy={
                compared === undefined || compared.id === deployed?.id ? undefined : () => handleDeploy(compared)
              }
              isDeploying={change.isPending}
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
      {isGalleryOpen && (
        <Suspense>
          <GalleryDialog onChoose={handleExample} onClose={() => setGalleryOpen(false)} />
        </Suspense>
      )}
      <LeaveGuard wouldLose={draft.wouldLose} onDiscard={draft.discard} />
    </div>
  )
}

/**
 * The version that the address names; else the one that was deployed when the page was opened, so that a deployment by
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
