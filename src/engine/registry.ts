import type { AnySpec, ComponentKind } from './component.ts'

/** Imports the file of one component. */
export type Loader = () => Promise<{ readonly default: AnySpec }>

/** Kind → name → how to load it. Generated from the files of `components/`. */
export type Loaders = Readonly<Partial<Record<ComponentKind, Readonly<Record<string, Loader>>>>>

/** Components that are known by their fields alone: their configurations are checked, and cannot run here. */
export interface KnownSpecs {
  has(kind: ComponentKind, name: string): boolean
  spec(kind: ComponentKind, name: string): AnySpec | undefined
  names(kind: ComponentKind): readonly string[]
}

const noneKnown: KnownSpecs = { has: () => false, spec: () => undefined, names: () => [] }

/**
 * Every component that a configuration may name. Files are imported on first use: call `load` for the names that a
 * configuration mentions, then `get` is synchronous.
 */
export class Registry {
  readonly #loaders: Loaders
  readonly #loadKnown: () => Promise<KnownSpecs>
  readonly #loaded = new Map<string, AnySpec>()
  #known: KnownSpecs = noneKnown

  constructor(loaders: Loaders, known: () => Promise<KnownSpecs> = () => Promise.resolve(noneKnown)) {
    this.#loaders = loaders
    this.#loadKnown = known
  }

  /** A registry with these specs added: templates, mocks. */
  extended(specs: readonly AnySpec[]): Registry {
    const copy = new Registry(this.#loaders, this.#loadKnown)
    for (const [key, spec] of this.#loaded) copy.#loaded.set(key, spec)
    for (const spec of specs) copy.#loaded.set(`${spec.kind}/${spec.name}`, spec)
    copy.#known = this.#known
    return copy
  }

  /** Whether a component of that name can run here. */
  implements(kind: ComponentKind, name: string): boolean {
    return this.#loaded.get(`${kind}/${name}`)?.create !== undefined || Object.hasOwn(this.#loaders[kind] ?? {}, name)
  }

  /** Imports the components of these names, of every kind that has one, and those that their defaults name. */
  async load(names: Iterable<string>): Promise<void> {
    const wanted = new Set(names)
    let unknown = false
    const pending: Promise<void>[] = []
    for (const name of wanted) {
      let found = false
      for (const kind of Object.keys(this.#loaders) as ComponentKind[]) {
        const load = Object.hasOwn(this.#loaders[kind]!, name) ? this.#loaders[kind]![name] : undefined
        if (load === undefined) continue
        found = true
        if (!this.#loaded.has(`${kind}/${name}`)) pending.push(this.#import(kind, name, load))
      }
      unknown ||= !found
    }
    await Promise.all(pending)
    if (unknown && this.#known === noneKnown) this.#known = await this.#loadKnown()
  }

  /** The spec of a component that was loaded, or of one that is only known. */
  get(kind: ComponentKind, name: string): AnySpec | undefined {
    return this.#loaded.get(`${kind}/${name}`) ?? this.#known.spec(kind, name)
  }

  /** All names of a kind, those that cannot run here included; call `loadAll` first. */
  names(kind: ComponentKind): readonly string[] {
    const names = new Set([...Object.keys(this.#loaders[kind] ?? {}), ...this.#known.names(kind)])
    for (const spec of this.#loaded.values()) if (spec.kind === kind) names.add(spec.name)
    return [...names].toSorted()
  }

  async loadAll(): Promise<void> {
    const names = Object.values(this.#loaders).flatMap(loaders => Object.keys(loaders))
    await this.load(names)
    if (this.#known === noneKnown) this.#known = await this.#loadKnown()
  }

  async #import(kind: ComponentKind, name: string, load: Loader): Promise<void> {
    const spec = (await load()).default
    this.#loaded.set(`${kind}/${name}`, spec)
    const inner = componentNames(spec.config.shape.default, new Set<string>())
    collectDefaults(spec.config.shape, inner)
    inner.delete(name)
    if (inner.size > 0) await this.load([...inner].filter(other => this.#isNew(other)))
  }

  #isNew(name: string): boolean {
    return (Object.keys(this.#loaders) as ComponentKind[]).some(
      kind => Object.hasOwn(this.#loaders[kind]!, name) && !this.#loaded.has(`${kind}/${name}`),
    )
  }
}

/** Adds the keys of every default that is a component, at any depth. */
function collectDefaults(shape: AnySpec['config']['shape'], names: Set<string>): void {
  for (const child of Object.values(shape.children ?? {})) {
    if (child.type === 'scanner' || child.type === 'processor') componentNames(child.default, names)
    collectDefaults(child, names)
  }
}

function componentNames(value: unknown, names: Set<string>): Set<string> {
  if (typeof value === 'object' && value !== null) for (const key of Object.keys(value)) names.add(key)
  return names
}
