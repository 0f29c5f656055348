/** The contents of the outermost elements with this name, as text that may contain further elements. */
export function elements(xml: string, name: string): string[] {
  const found: string[] = []
  const pattern = new RegExp(`<${name}(?: [^>]*)?>([^]*?)</${name}>`, 'g')
  for (const match of xml.matchAll(pattern)) found.push(match[1]!)
  return found
}

/** The text of the first element with this name, or undefined. Sufficient for the flat responses of object stores. */
export function elementText(xml: string, name: string): string | undefined {
  const match = new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`).exec(xml)
  return match === null ? undefined : decoded(match[1]!)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decoded(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return entities[name!] ?? whole
  })
}
