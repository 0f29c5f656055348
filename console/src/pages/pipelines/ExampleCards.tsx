import { ExampleCard, ExampleList } from './ExampleList.tsx'
import { examples } from './examples.ts'

/** Configurations to start from, shown while the text is empty. */
export function ExampleCards({ onChoose, onMore }: { onChoose: (text: string) => void; onMore: () => void }) {
  return (
    <section aria-label="Examples" className="shrink-0 border-t border-line py-3 sm:py-4">
      <h3 className="mb-2 px-4 text-xs font-medium text-faint">Start from an example</h3>
      <ExampleList
        examples={examples}
        onChoose={onChoose}
        className="flex gap-2 overflow-x-auto px-4 max-sm:*:w-56 max-sm:*:shrink-0 sm:grid sm:grid-cols-2 xl:grid-cols-3"
      >
        <ExampleCard
          title="More examples…"
          note="Dead letters, sessions, windows, masking and others."
          onClick={onMore}
        />
      </ExampleList>
    </section>
  )
}
