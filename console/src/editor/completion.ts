import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { type Extension, StateEffect, StateField } from '@codemirror/state'
import { type EditorView, hoverTooltip } from '@codemirror/view'
import { fieldsOf, kindOf, type Schema, schemasAt, valuesOf } from './schema.ts'
import { keyPathAt, placeAt } from './yaml-place.ts'

/** Gives the editor the schema, which is loaded later. */
export const setSchema = StateEffect.define<Schema>()

export const schemaField = StateField.define<Schema | undefined>({
  create: () => undefined,
  update: (schema, transaction) => transaction.effects.find(effect => effect.is(setSchema))?.value ?? schema,
})

/** Proposes the fields and components allowed at the cursor, and the values if they are known. */
export function completeFromSchema(context: CompletionContext): CompletionResult | null {
  const root = context.state.field(schemaField, false)
  if (root === undefined) return null
  const place = placeAt(context.state.doc.toString(), context.pos)
  if (place === undefined || (place.from === context.pos && !context.explicit)) return null

  const schemas = schemasAt(root, place.path)
  const options = [
    ...(place.kind === 'key' ? fieldOptions(root, schemas, place.siblings, context) : []),
    ...valuesOf(schemas).map((value): Completion => ({ label: value, type: 'enum' })),
  ]
  return options.length === 0 ? null : { from: place.from, options, validFor: /^[A-Za-z0-9_.-]*$/ }
}

function fieldOptions(
  root: Schema,
  schemas: readonly Schema[],
  siblings: readonly string[],
  context: CompletionContext,
): readonly Completion[] {
  const line = context.state.doc.lineAt(context.pos)
  const hasColon = /^[A-Za-z0-9_.-]*\s*:/.test(line.text.slice(context.pos - line.from))
  return [...fieldsOf(root, schemas)]
    .filter(([name]) => !siblings.includes(name))
    .map(([name, field]) => {
      const kind = kindOf(root, field)
      return {
        label: name,
        type: 'property',
        detail: kind,
        boost: field.deprecated === true ? -50 : schemas.some(schema => schema.required?.includes(name)) ? 20 : 0,
        info: () => documentation(name, kind, field),
        apply: hasColon ? name : insertField(name, kind),
      }
    })
}

/** Inserts the field and places the cursor where its value goes. */
function insertField(name: string, kind: string) {
  return (view: EditorView, _: Completion, from: number, to: number) => {
    const line = view.state.doc.lineAt(from)
    const indent = ' '.repeat(from - line.from)
    const nested = kind === 'object' || kind === 'list'
    const insert = nested ? `${name}:\n${indent}  ${kind === 'list' ? '- ' : ''}` : `${name}: `
    view.dispatch({
      changes: { from, to, insert },
      selection: { anchor: from + insert.length },
      userEvent: 'input.complete',
      scrollIntoView: true,
    })
  }
}

/** Shows the documentation of a field on hover. */
export function hoverDocumentation(): Extension {
  return hoverTooltip((view, at) => {
    const root = view.state.field(schemaField, false)
    const key = root === undefined ? undefined : keyPathAt(view.state.doc.toString(), at)
    const name = key?.path.at(-1)
    if (root === undefined || key === undefined || typeof name !== 'string') return null
    const field = fieldsOf(root, schemasAt(root, key.path.slice(0, -1))).get(name)
    if (field === undefined || (field.description ?? '') === '') return null
    return {
      pos: key.from,
      end: key.to,
      above: true,
      create: () => {
        const dom = documentation(name, kindOf(root, field), field)
        dom.classList.add('px-3', 'py-2')
        return { dom }
      },
    }
  })
}

function documentation(name: string, kind: string, field: Schema): HTMLElement {
  const sheet = document.createElement('div')
  sheet.className = 'max-w-96 font-sans text-xs leading-4.5'
  const head = document.createElement('p')
  head.className = 'mb-1 font-mono font-medium text-ink'
  head.textContent = kind === '' ? name : `${name}: ${kind}`
  sheet.append(head)
  const text = document.createElement('p')
  text.className = 'max-h-60 overflow-y-auto whitespace-pre-line text-muted'
  text.textContent = (field.description ?? '').trim()
  if (text.textContent !== '') sheet.append(text)
  const facts = [
    field.deprecated === true ? 'Deprecated' : undefined,
    field.default === undefined ? undefined : `Default: ${JSON.stringify(field.default)}`,
  ].filter(fact => fact !== undefined)
  if (facts.length > 0) {
    const foot = document.createElement('p')
    foot.className = 'mt-1 text-faint'
    foot.textContent = facts.join(' · ')
    sheet.append(foot)
  }
  return sheet
}
