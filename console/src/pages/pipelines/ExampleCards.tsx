import { examples } from './examples.ts'

/** A few beginnings, where there is nothing yet. */
export function ExampleCards({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <section aria-label="Examples" className="shrink-0 border-t border-line px-4 py-4">
      <h3 className="mb-2.5 text-xs font-medium text-faint">Start from an example</h3>
      <ul className="grid gap-2 sm:grid-cols-2 xl:grid-cols-3">
        {examples.map(example => (
          <li key={example.name}>
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
