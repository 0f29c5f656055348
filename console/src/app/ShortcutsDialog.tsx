import { Dialog } from '../ui/Dialog.tsx'
import { commandKey, Kbd } from '../ui/Kbd.tsx'
import { places } from './Shell.tsx'

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const groups: readonly { title: string; rows: readonly { text: string; keys: readonly string[] }[] }[] = [
    {
      title: 'Everywhere',
      rows: [
        { text: 'Search and commands', keys: [commandKey, 'K'] },
        { text: 'Filter the list', keys: ['/'] },
        { text: 'New pipeline or topic, on its list', keys: ['N'] },
        { text: 'This list', keys: ['?'] },
      ],
    },
    {
      title: 'Go to',
      rows: places.map(place => ({ text: place.label, keys: ['G', place.key.toUpperCase()] })),
    },
    {
      title: 'Editor',
      rows: [
        { text: 'Save as a new version', keys: [commandKey, 'S'] },
        { text: 'Complete', keys: ['Ctrl', 'Space'] },
        { text: 'Find and replace', keys: [commandKey, 'F'] },
        { text: 'Next finding', keys: ['F8'] },
        { text: 'Leave it with Tab', keys: ['Esc', 'Tab'] },
      ],
    },
  ]
  return (
    <Dialog wide open={open} onClose={onClose} title="Keyboard shortcuts">
      <div className="grid gap-x-10 gap-y-5 px-5 pt-4 pb-6 sm:grid-cols-2">
        {groups.map(group => (
          <section key={group.title}>
            <h3 className="mb-1.5 text-xs font-medium text-faint">{group.title}</h3>
            <ul className="divide-y divide-line">
              {group.rows.map(row => (
                <li key={row.text} className="flex h-8 items-center justify-between gap-4 text-sm">
                  {row.text}
                  <Kbd keys={row.keys} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
