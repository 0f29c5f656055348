import { useState } from 'react'
import { Dialog } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { ExampleList } from './ExampleList.tsx'
import { gallery } from './gallery.ts'

/** Every example that runs as a managed pipeline, searchable by name and summary. */
export default function GalleryDialog({
  onChoose,
  onClose,
}: {
  readonly onChoose: (text: string) => void
  readonly onClose: () => void
}) {
  const [search, setSearch] = useState('')
  const words = search.toLowerCase().split(/\s+/)
  const found = gallery.filter(({ name, note }) => words.every(word => `${name} ${note}`.toLowerCase().includes(word)))
  return (
    <Dialog wide title="Examples" description="Choosing one replaces the text in the editor." onClose={onClose}>
      <div className="flex flex-col gap-3 px-5 pt-4 pb-5">
        <Field
          autoFocus
          label="Search"
          type="search"
          value={search}
          onChange={event => setSearch(event.target.value)}
        />
        <ExampleList examples={found} onChoose={onChoose} className="grid gap-2 sm:grid-cols-2" />
        {found.length === 0 && <p className="py-6 text-center text-sm text-muted">No example matches.</p>}
      </div>
    </Dialog>
  )
}
