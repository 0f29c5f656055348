import type { AnySpec, ComponentKind } from './component.ts'
import type { FieldShape } from './fields.ts'

/** Imports the file of one component. */
export type Loader = () => Promise<{ readonly default: AnySpec }>

/** Loaders by kind and name. Generated from the files of `components/`. */
export type Loaders = Readonly<Partial<Record<ComponentKind, Readonly<Record<string, Loader>>>>>

/** Components of one kind of which only the fields are known: their configurations are checked but cannot run here. */
export interface KnownSpecs {
  spec(name: string): AnySpec | undefined
}

/**
 * Every component that a configuration may name. Files are imported on first use: after `load` with the names in a
 * configuration, `get` is synchronous.
 */
export class Registry {
  readonly #loaders: Loaders
  readonly #knownNames: Readonly<Record<string, string>>
  readonly #loadKnown: (kind: ComponentKind) => Promise<KnownSpecs>
  readonly #loaded = new Map<string, AnySpec>()
  readonly #known = new Map<ComponentKind, KnownSpecs>()

  /** `knownNames` lists, by kind and separated by spaces, the names whose fields `loadKnown` can provide. */
  constructor(
    loaders: Loaders,
    knownNames: Readonly<Record<string, string>> = {},
    loadKnown: (kind: ComponentKind) => Promise<KnownSpecs> = noneKnown,
  ) {
    this.#loaders = loaders
    this.#knownNames = knownNames
    this.#loadKnown = loadKnown
  }

  /** A registry with additional specs, such as templates and mocks. */
  extended(specs: readonly AnySpec[]): Registry {
    const copy = new Registry(this.#loaders, this.#knownNames, this.#loadKnown)
    for (const [key, spec] of this.#loaded) copy.#loaded.set(key, spec)
    for (const spec of specs) copy.#loaded.set(`${spec.kind}/${spec.name}`, spec)
    for (const [kind, known] of this.#known) copy.#known.set(kind, known)
    return copy
  }

  /** Imports the components of these names, of every kind, and those named by their defaults and expansions. */
  async load(names: Iterable<string>): Promise<void> {
    const pending: Promise<void>[] = []
    const knownKinds = new Set<ComponentKind>()
    for (const name of new Set(names)) {
      for (const kind of this.#kinds()) {
        if (this.#loaded.has(`${kind}/${name}`)) continue
        const load = this.#loader(kind, name)
        if (load !== undefined) pending.push(this.#import(kind, name, load))
        else if (this.#isKnown(kind, name) && !this.#known.has(kind)) knownKinds.add(kind)
      }
    }
    for (const kind of knownKinds) pending.push(this.#addKnown(kind))
    await Promise.all(pending)
  }

  /** Imports everything, for listings and documentation. */
  async loadAll(): Promise<void> {
    await this.load(this.#kinds().flatMap(kind => this.names(kind)))
  }

  /** The spec of a component that was loaded, or of one of which only the fields are known. */
  get(kind: ComponentKind, name: string): AnySpec | undefined {
    return this.#loaded.get(`${kind}/${name}`) ?? this.#known.get(kind)?.spec(name)
  }

  /** All names of a kind, sorted, including those that cannot run here. */
  names(kind: ComponentKind): readonly string[] {
    const names = new Set([...Object.keys(this.#loaders[kind] ?? {}), ...this.#words(kind)])
    for (const spec of this.#loaded.values()) if (spec.kind === kind) names.add(spec.name)
    return [...names].toSorted()
  }

  /** Whether a component with this name can run here. */
  implements(kind: ComponentKind, name: string): boolean {
    const loaded = this.#loaded.get(`${kind}/${name}`)
    if (loaded !== undefined) return this.isRunnable(loaded)
    return this.#loader(kind, name) !== undefined
  }

  /** Whether a component can run here, rather than being known only by its fields. */
  isRunnable({ create, expand }: AnySpec): boolean {
    return create !== undefined || expand !== undefined
  }

  async #import(kind: ComponentKind, name: string, load: Loader): Promise<void> {
    const spec = (await load()).default
    this.#loaded.set(`${kind}/${name}`, spec)
    const inner = defaultNames(spec.config.shape, new Set(spec.expandsTo))
    if (inner.size > 0) await this.load(inner)
  }

  async #addKnown(kind: ComponentKind): Promise<void> {
    this.#known.set(kind, await this.#loadKnown(kind))
  }

  #loader(kind: ComponentKind, name: string): Loader | undefined {
    const loaders = this.#loaders[kind]
    return loaders !== undefined && Object.hasOwn(loaders, name) ? loaders[name] : undefined
  }

  #isKnown(kind: ComponentKind, name: string): boolean {
    return ` ${this.#knownNames[kind] ?? ''} `.includes(` ${name} `)
  }

  #words(kind: ComponentKind): readonly string[] {
    return (this.#knownNames[kind] ?? '').split(' ').filter(word => word !== '')
  }

  #kinds(): readonly ComponentKind[] {
    // The cast restores the key type that Object.keys drops.
    return [...new Set([...Object.keys(this.#loaders), ...Object.keys(this.#knownNames)])] as ComponentKind[]
  }
}

/** The components named by the defaults of fields, at any depth. */
function defaultNames(shape: FieldShape, names: Set<string>): Set<string> {
  if (shape.type === 'scanner' || shape.type === 'processor' || shape.type === 'input' || shape.type === 'output') {
    if (typeof shape.default === 'object' && shape.default !== null)
      for (const key of Object.keys(shape.default)) names.add(key)
  }
  for (const child of Object.values(shape.children ?? {})) defaultNames(child, names)
  return names
}

function noneKnown(): Promise<KnownSpecs> {
  return Promise.resolve({ spec: () => undefined })
}
