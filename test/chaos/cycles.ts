/** Edges from node to node. */
export type Graph = ReadonlyMap<number, ReadonlySet<number>>

/** The strongly connected components of more than one node: each contains a cycle (Tarjan, without recursion). */
export function cyclesIn(graph: Graph): number[][] {
  const index = new Map<number, number>()
  const low = new Map<number, number>()
  const stack: number[] = []
  const isOnStack = new Set<number>()
  const found: number[][] = []
  for (const root of graph.keys()) {
    if (index.has(root)) continue
    const path = [{ node: root, next: visit(root) }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node, next } = top
      const step = next.next()
      if (step.done !== true) {
        if (!index.has(step.value)) path.push({ node: step.value, next: visit(step.value) })
        else if (isOnStack.has(step.value)) lower(node, index.get(step.value)!)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent) lower(parent.node, low.get(node)!)
      if (low.get(node) !== index.get(node)) continue
      const component = stack.splice(stack.indexOf(node))
      for (const member of component) isOnStack.delete(member)
      if (component.length > 1) found.push(component)
    }
  }
  return found

  function visit(node: number): Iterator<number, undefined> {
    index.set(node, index.size)
    low.set(node, index.get(node)!)
    stack.push(node)
    isOnStack.add(node)
    return (graph.get(node) ?? new Set<number>())[Symbol.iterator]()
  }

  function lower(node: number, to: number): void {
    low.set(node, Math.min(low.get(node)!, to))
  }
}
