/**
 * Letter case as defined by Go: `upper` and `lower` map each character to a single one (ß stays ß, and Σ becomes σ even
 * at the end of a word), `title` follows the full Unicode rules with their special cases.
 */
const ASCII = /^[\0-\x7f]*$/
const TITLE: Readonly<Record<string, string>> = {
  Ǆ: 'ǅ',
  ǆ: 'ǅ',
  Ǉ: 'ǈ',
  ǉ: 'ǈ',
  Ǌ: 'ǋ',
  ǌ: 'ǋ',
  Ǳ: 'ǲ',
  ǳ: 'ǲ',
  ŉ: 'ʼN',
}
/** Characters that join two letters into one word: MidLetter, MidNumLet and Single_Quote of UAX 29. */
const MID_WORD = new Set(":··՟״‧︓﹕：.‘’․﹒＇．'")
// Regular expressions with whole categories are slow to compile, so they are created on use.
const isCased = (rune: string) => /^\p{Cased}$/u.test(rune)
const isCaseIgnorable = (rune: string) => /^\p{Case_Ignorable}$/u.test(rune)
const isWord = (rune: string) => /^[\p{Alphabetic}\p{Nd}\p{Pc}\p{M}\p{Cf}]$/u.test(rune)
const isWordEach = (rune: string) =>
  /^[\p{Ideographic}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]$/u.test(
    rune,
  )
/** How far a capital sigma looks ahead for the end of its word. */
const SIGMA_LOOKAHEAD = 31

/** Converts a text to upper case, character by character like Go. */
export function upper(text: string): string {
  // JavaScript differs from Go only for characters that become several, which makes the text longer.
  const mapped = text.toUpperCase()
  if (mapped.length === text.length && text.isWellFormed()) return mapped
  return Array.from(text.toWellFormed(), upperRune).join('')
}

/** Converts a text to lower case, character by character like Go. */
export function lower(text: string): string {
  const mapped = text.toLowerCase()
  if (mapped.length === text.length && text.isWellFormed() && !text.includes('Σ')) return mapped
  return Array.from(text.toWellFormed(), lowerRune).join('')
}

function upperRune(rune: string): string {
  return simple(rune, rune.toUpperCase(), 8)
}

function lowerRune(rune: string): string {
  return rune === 'İ' ? 'i' : simple(rune, rune.toLowerCase(), -8)
}

/** If the full mapping is a sequence, the simple one is the character, except for letters with iota subscript. */
function simple(rune: string, mapped: string, iotaDistance: number): string {
  const code = rune.codePointAt(0)!
  if (mapped.length <= (code > 0xffff ? 2 : 1)) return mapped
  if (iotaDistance < 0) return rune
  if (code >= 0x1f80 && code <= 0x1faf && (code & 8) === 0) return String.fromCodePoint(code + iotaDistance)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  return rune
}

/** Converts the first letter of each word to title case, the others to lower case. */
export function title(text: string): string {
  if (ASCII.test(text)) return asciiTitle(text)
  const runes = Array.from(text)
  let out = ''
  let inWord = false
  let wasMid = false
  for (let i = 0; i < runes.length; i++) {
    const rune = runes[i]!
    const isMid = MID_WORD.has(rune)
    if (isMid && wasMid) inWord = false
    wasMid = isMid
    if (isCased(rune)) {
      out += inWord ? (rune === 'Σ' ? sigma(runes, i) : rune.toLowerCase()) : titleRune(rune)
      inWord = true
      continue
    }
    out += rune
    if (!isMid && (!isWord(rune) || isWordEach(rune))) inWord = false
  }
  return out
}

/**
 * The same for ASCII: letters, digits and `_` form words, and a single `:`, `.` or `'` inside a word does not end it.
 */
function asciiTitle(text: string): string {
  const lowered = text.toLowerCase()
  let out = ''
  let from = 0
  let inWord = false
  let wasMid = false
  for (let i = 0; i < lowered.length; i++) {
    const code = lowered.charCodeAt(i)
    if (code >= 97 && code <= 122) {
      if (!inWord) {
        out += lowered.slice(from, i) + String.fromCharCode(code - 32)
        from = i + 1
      }
      inWord = true
      wasMid = false
      continue
    }
    const isMid = code === 0x3a || code === 0x2e || code === 0x27
    if (isMid ? wasMid : !((code >= 48 && code <= 57) || code === 0x5f)) inWord = false
    wasMid = isMid
  }
  return from === 0 ? lowered : out + lowered.slice(from)
}

function titleRune(rune: string): string {
  const special = TITLE[rune]
  if (special !== undefined) return special
  const code = rune.codePointAt(0)!
  // Georgian has upper case but no title case.
  if ((code >= 0x10d0 && code <= 0x10ff) || /^\p{Lt}$/u.test(rune)) return rune
  const single = upperRune(rune)
  if (single !== rune || rune.toUpperCase() === rune) return single
  const [first = '', ...rest] = Array.from(rune.toUpperCase())
  const tail = rest.join('')
  return first + (code >= 0x1f00 && code <= 0x1fff ? tail.replaceAll('Ι', '\u0345') : tail.toLowerCase())
}

function sigma(runes: readonly string[], at: number): string {
  for (let i = at + 1; i < Math.min(runes.length, at + 1 + SIGMA_LOOKAHEAD); i++) {
    if (!isCaseIgnorable(runes[i]!)) return isCased(runes[i]!) ? 'σ' : 'ς'
  }
  return 'ς'
}
