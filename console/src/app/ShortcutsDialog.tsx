import { Dialog } from '../ui/Dialog.tsx'
import { commandKey, Kbd } from '../ui/Kbd.tsx'
import { useSections } from './sections.ts'

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const sections = useSections()
  const groups: readonly { title: string; rows: readonly { text: string; keys: readonly string[] }[] }[] = [
    {
      title: 'Everywhere',
      rows: [
        { text: 'Search and commands', keys: [commandKey, 'K'] },
        { text: 'Filter the list', keys: ['/'] },
        { text: 'Create a new item (in a list)', keys: ['N'] },
        { text: 'Keyboard shortcuts', keys: ['?'] },
      ],
    },
    {
      title: 'Go to',
      rows: sections.map(section => ({ text: section.label, keys: ['G', section.key.toUpperCase()] })),
    },
    {
      title: 'Editor',
      rows: [
        { text: 'Save as a new version', keys: [commandKey, 'S'] },
        { text: 'Complete the word', keys: ['Ctrl', 'Space'] },
        { text: 'Find and replace', keys: [commandKey, 'F'] },
        { text: 'Next finding', keys: ['F8'] },
        { text: 'Leave the editor with Tab', keys: ['Esc', 'Tab'] },
      ],
    },
  ]
  return (
    <Dialog wide onClose={onClose} title="Keyboard shortcuts">
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
