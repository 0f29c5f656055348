/** Intentional differences, with the reason. */
export const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  [
    'docs/method/encoding_and_encryption/compress/1/0',
    'pins the length that one deflate implementation makes of a text; the format leaves that open, and ours makes 160 bytes of it, not 161',
  ],
  [
    'go/query/arithmetic_test/TestArithmeticComparisons/left uint64 to right uint64',
    'compares values that no literal can write: both literals are beyond int64, which the grammar refuses',
  ],
  [
    'go/query/methods_structured_test/TestSplitMethod/string with non-string delimiter',
    'the test builds the argument as a machine int, which no mapping can; a literal is an int64 and is named so',
  ],
  [
    'go/query/methods_structured_test/TestSplitMethod/bytes with non-string delimiter',
    'the test builds the argument as a machine int, which no mapping can; a literal is an int64 and is named so',
  ],
  [
    'go/xml/bloblang_test/TestParseXML/parsing numbers and bools with casting',
    'the test hands the letters of a text as arguments one by one; a mapping that does so is refused by the original as well',
  ],
  [
    'go/changelog/bloblang_test/Test_Diff__shouldReturnDiff/should detect creation',
    'the test hands over an object that is nil but typed, which no document can; a null has no differences',
  ],
])
