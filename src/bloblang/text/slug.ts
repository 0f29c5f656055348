/** Slugs: texts for use in the path of a URL. */
import { brotliDecompressSync } from 'node:zlib'
import { lower } from './case.ts'
import { TRANSLITERATION } from './transliteration.ts'
import { trimSpace } from './trim.ts'

type Substitutions = Readonly<Record<string, string>>

const EVERYWHERE: Substitutions = { '"': '', "'": '', '’': '', '‒': '-', '–': '-', '—': '-', '―': '-' }
const NORWEGIAN: Substitutions = { '&': 'og', '@': 'at', ...pairs('æ ae ø oe å aa Æ Ae Ø Oe Å Aa') }

/** Language-specific substitutions, applied before the general transliteration. */
const LANGUAGES: Readonly<Record<string, Substitutions>> = {
  bg: pairs(
    'А A Б B В V Г G Д D Е E Ж Zh З Z И I Й Y К K Л L М M Н N О O П P Р R С S Т T У U Ф F Х H Ц Ts Ч Ch Ш Sh Щ Sh Ъ A Ь Y ' +
      'Ю Yu Я Ya а a б b в v г g д d е e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh щ sht ' +
      'ъ a ь y ю yu я ya',
  ),
  cs: pairs('& a @ zavinac'),
  de: pairs('& und @ an ä ae Ä Ae ö oe Ö Oe ü ue Ü Ue'),
  en: pairs('& and @ at'),
  es: pairs('& y @ en'),
  fi: pairs('& ja @ at'),
  fr: pairs('& et @ arobase'),
  gr: pairs(
    '& kai β v Β V η i Η I ή i Ή I ι i Ι I ί i Ί I ϊ i Ϊ I ΐ i ξ x Ξ X υ y Υ Y ύ y Ύ Y ϋ y Ϋ Y ΰ y φ f Φ F χ ch Χ Ch ω o Ω O ' +
      'ώ o Ώ O',
  ),
  hu: pairs('á a Á A é e É E í i Í I ó o Ó O ö o Ö O ő o Ő O ú u Ú U ü u Ü U ű u Ű U'),
  id: pairs('& dan'),
  it: pairs('& e @ chiocciola'),
  kk: pairs('& jane ә a ғ g қ q ң n ө o ұ u Ә A Ғ G Қ Q Ң N Ө O Ұ U'),
  nb: NORWEGIAN,
  nl: pairs('& en @ at'),
  nn: NORWEGIAN,
  pl: pairs('& i @ na'),
  ro: pairs('& si Ă A ă a Â A â a Î I î i Ș S ș s Ț T ț t'),
  sl: pairs('& in Đ DZ đ dz'),
  sv: { '&': 'och', '@': 'snabel a' },
  tr: pairs('& ve @ et ş s Ş S ü u Ü U ö o Ö O İ I ı i ğ g Ğ G ç c Ç C'),
}
const ALIASES: Readonly<Record<string, string>> = {
  bgr: 'bg',
  ces: 'cs',
  deu: 'de',
  eng: 'en',
  spa: 'es',
  fin: 'fi',
  fra: 'fr',
  el: 'gr',
  ell: 'gr',
  hun: 'hu',
  idn: 'id',
  ind: 'id',
  ita: 'it',
  kz: 'kk',
  kaz: 'kk',
  nob: 'nb',
  nld: 'nl',
  nno: 'nn',
  pol: 'pl',
  rou: 'ro',
  slv: 'sl',
  swe: 'sv',
  tur: 'tr',
}

let spellings: readonly string[] | undefined

/** Keeps letters, digits, `_` and single hyphens, in lower case; `language` selects the spelling of others. */
export function slug(text: string, language: string): string {
  const code = lower(language)
  const substitutions = LANGUAGES[ALIASES[code] ?? code] ?? LANGUAGES.en!
  let out = ''
  for (const rune of trimSpace(text)) {
    for (const char of EVERYWHERE[rune] ?? substitutions[rune] ?? rune) out += char <= '\x7f' ? char : spelling(char)
  }
  return out
    .toLowerCase()
    .replace(/[^a-z0-9\-_]/g, '-')
    .replace(/-+/g, '-')
    .replace(/^[-_]+/, '')
    .replace(/[-_]+$/, '')
}

function spelling(char: string): string {
  spellings ??= brotliDecompressSync(Buffer.from(TRANSLITERATION, 'base64')).toString().split('\n')
  const code = char.codePointAt(0)!
  return spellings[(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code) - 0x80] ?? ''
}

function pairs(text: string): Substitutions {
  const words = text.split(' ')
  return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]!]] : [])))
}
