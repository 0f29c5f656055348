/**
 * A part of a document that a mapping only carries along: its text, known to be what the printer would print. It lives between
 * a scan of a document and its printing, inside of the values of one mapping, and never reaches anything else.
 */
export class RawJson {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
