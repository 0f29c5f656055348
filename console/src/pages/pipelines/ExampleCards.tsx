import { examples } from './examples.ts'

/** Configurations to start from, shown while there is no text. */
export function ExampleCards({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <section aria-label="Examples" className="shrink-0 border-t border-line py-3 sm:py-4">
      <h3 className="mb-2 px-4 text-xs font-medium text-faint">Start from an example</h3>
      <ul className="flex gap-2 overflow-x-auto px-4 sm:grid sm:grid-cols-2 xl:grid-cols-3">
        {examples.map(example => (
          <li key={example.name} className="max-sm:w-56 max-sm:shrink-0">
            <button
              type="button"
              onClick={() => onChoose(example.text)}
              className="h-full w-full rounded-md border border-line px-3 py-2 text-left transition-colors hover:border-accent-line hover:bg-accent-soft"
            >
              <span className="text-sm font-medium">{example.name}</span>
              <span className="mt-0.5 block text-xs text-muted">{example.note}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
