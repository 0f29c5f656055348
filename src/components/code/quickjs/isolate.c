/*
 * The isolate of `javascript` processors: QuickJS with the functions that scripts see and the few that the engine
 * calls (script-vm.ts). It is one unit with QuickJS, since documents are read into its objects and printed from them
 * directly. README.md says how it is built.
 *
 * Bytes pass in both directions as an address and a length. The engine writes them into memory from `allocate`; what it
 * reads is described by `result`.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define IMPORT(name) __attribute__((import_module("host"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/* Milliseconds since 1970. */
IMPORT(now) double host_now(void);
/* Minutes that local time is behind UTC, at a time in milliseconds. */
IMPORT(timezone) double host_timezone(double at_ms);
/* Answers a request with a text from `allocate`, preceded by its length in four bytes; 0 is undefined. */
IMPORT(ask) uint8_t *host_ask(const char *what, size_t what_length, const char *first, size_t first_length,
                              const char *second, size_t second_length);

static int time_of_day(struct timeval *now, void *unused) {
  double ms = host_now();
  now->tv_sec = (time_t)floor(ms / 1000);
  now->tv_usec = (suseconds_t)((ms - floor(ms / 1000) * 1000) * 1000);
  return 0;
}

/* Only the offset is read. */
static struct tm *local_time(const time_t *at, struct tm *result) {
  result->tm_gmtoff = (long)(-60 * host_timezone((double)*at * 1000));
  return result;
}

#define gettimeofday time_of_day
#define localtime_r local_time
#include "quickjs.c"
#undef malloc
#undef realloc
#undef free

/* Deeper documents are left to the general functions, which report a script that recurses too deeply. */
#define MAX_DEPTH 100
/* A value that the fast functions leave to the general ones. */
#define NOT_PLAIN JS_UNINITIALIZED
#define IS_NOT_PLAIN(value) (JS_VALUE_GET_TAG(value) == JS_TAG_UNINITIALIZED)

/* What is left of a message. */
enum { UNCHANGED, TEXT, DOCUMENT, FAILED, PENDING };

static JSRuntime *runtime;
static JSContext *context;
static JSValue prelude_functions, describe_error;
/* What `run` calls, or what it evaluates. */
static JSValue program;
static const char *source_text, *source_name;
static size_t source_length;

static const uint8_t *body;
static size_t body_length;
static int body_kind;
/* The body if it is a text that the script has set. */
static JSValue body_text;

typedef struct {
  uint8_t *bytes;
  size_t length, capacity;
} Buffer;

/* The body if it is a document that the script has set. */
static Buffer printed;
/* A text for the engine that is not in `printed`. */
static const char *result_text;

static struct {
  const uint8_t *bytes;
  uint32_t length;
} result_place;

/* Writing bytes */

static no_inline int enlarge(Buffer *buffer, size_t more) {
  size_t capacity = buffer->length + more + buffer->capacity + 256;
  uint8_t *bytes = realloc(buffer->bytes, capacity);
  if (bytes == NULL) return -1;
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return 0;
}

static inline int reserve(Buffer *buffer, size_t more) {
  return likely(buffer->capacity - buffer->length >= more) ? 0 : enlarge(buffer, more);
}

static inline void put(Buffer *buffer, uint8_t byte) { buffer->bytes[buffer->length++] = byte; }

static int put_all(Buffer *buffer, const char *bytes, size_t length) {
  if (reserve(buffer, length)) return -1;
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
  return 0;
}

static void put_escape(Buffer *buffer, uint32_t unit) {
  static const char hex[] = "0123456789abcdef";
  const char *found = unit == 0 ? NULL : strchr("\"\\\tt\rr\nn\bb\ff", (int)unit);
  put(buffer, '\\');
  switch (unit) {
  case '"': case '\\': put(buffer, unit); return;
  case '\t': case '\r': case '\n': case '\b': case '\f': put(buffer, found[1]); return;
  default:
    put(buffer, 'u');
    for (int shift = 12; shift >= 0; shift -= 4) put(buffer, hex[(unit >> shift) & 15]);
  }
}

/* Whether a byte of a string cannot be copied as it is. */
static inline int is_special(uint32_t unit) { return unit < 0x20 || unit == '"' || unit == '\\' || unit >= 0x80; }

static int put_string(Buffer *buffer, JSString *text) {
  /* At most six bytes for each unit, and the quotes. */
  if (reserve(buffer, 6 * (size_t)text->len + 2)) return -1;
  put(buffer, '"');
  if (!text->is_wide_char) {
    const uint8_t *units = text->u.str8;
    uint8_t *to = buffer->bytes + buffer->length;
    uint32_t length = text->len, i = 0;
    while (i < length && !is_special(units[i])) {
      to[i] = units[i];
      i++;
    }
    buffer->length += i;
    for (; i < length; i++) {
      uint32_t unit = units[i];
      if (!is_special(unit)) put(buffer, unit);
      else if (unit < 0x80) put_escape(buffer, unit);
      else {
        put(buffer, 0xc0 | (unit >> 6));
        put(buffer, 0x80 | (unit & 0x3f));
      }
    }
  } else {
    for (int i = 0; i < (int)text->len;) {
      uint32_t point = string_getc(text, &i);
      if (is_surrogate(point) || (point < 0x80 && is_special(point))) put_escape(buffer, point);
      else buffer->length += unicode_to_utf8(buffer->bytes + buffer->length, point);
    }
  }
  put(buffer, '"');
  return 0;
}

static int put_integer(Buffer *buffer, int64_t value) {
  char digits[24];
  int at = sizeof(digits);
  uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
  do digits[--at] = '0' + rest % 10;
  while ((rest /= 10) != 0);
  if (value < 0) digits[--at] = '-';
  return put_all(buffer, digits + at, sizeof(digits) - at);
}

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int put_number(Buffer *buffer, double value) {
  if (!isfinite(value)) return put_all(buffer, "null", 4);
  if (fabs(value) < 1e15 && value == (double)(int64_t)value) return put_integer(buffer, (int64_t)value);
  /* A decimal of at most 15 digits that is equal to the number is its shortest one. */
  for (int places = 1; places <= 6; places++) {
    double scaled = value * powers_of_ten[places];
    if (fabs(scaled) >= 1e15) break;
    int64_t units = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    if ((double)units / powers_of_ten[places] != value) continue;
    int64_t one = (int64_t)powers_of_ten[places], whole = units / one, rest = units % one;
    if (units < 0 && whole == 0 && put_all(buffer, "-", 1)) return -1;
    if (put_integer(buffer, whole) || reserve(buffer, places + 1)) return -1;
    put(buffer, '.');
    if (rest < 0) rest = -rest;
    for (int i = places - 1; i >= 0; i--, rest /= 10) buffer->bytes[buffer->length + i] = '0' + rest % 10;
    buffer->length += places;
    return 0;
  }
  char text[128];
  JSDTOATempMem memory;
  int length = js_dtoa(text, value, 10, 0, JS_DTOA_FORMAT_FREE, &memory);
  return put_all(buffer, text, length);
}

/* Printing documents */

/* Whether printing an object means printing its own fields: it has the expected prototype, and no `toJSON` there. */
static int is_plain(JSObject *object, int class_id) {
  JSValueConst *prototypes = context->class_proto;
  JSObject *prototype = JS_VALUE_GET_OBJ(prototypes[class_id]);
  JSObject *root = JS_VALUE_GET_OBJ(prototypes[JS_CLASS_OBJECT]);
  if (object->class_id != class_id || object->shape->proto != prototype) return 0;
  if (class_id != JS_CLASS_OBJECT && (prototype->shape->proto != root || find_own_property1(prototype, JS_ATOM_toJSON)))
    return 0;
  return find_own_property1(root, JS_ATOM_toJSON) == NULL;
}

static int print_array(Buffer *buffer, JSObject *array, int depth);
static int print_object(Buffer *buffer, JSObject *object, int depth);

/* Returns 0, or -1 if the value is not plain or the memory is exhausted. Calls no code of the script. */
static int print(Buffer *buffer, JSValueConst value, int depth) {
  switch (JS_VALUE_GET_NORM_TAG(value)) {
  case JS_TAG_INT: return put_integer(buffer, JS_VALUE_GET_INT(value));
  case JS_TAG_FLOAT64: return put_number(buffer, JS_VALUE_GET_FLOAT64(value));
  case JS_TAG_BOOL: return JS_VALUE_GET_BOOL(value) ? put_all(buffer, "true", 4) : put_all(buffer, "false", 5);
  case JS_TAG_NULL: return put_all(buffer, "null", 4);
  case JS_TAG_STRING: return put_string(buffer, JS_VALUE_GET_STRING(value));
  case JS_TAG_STRING_ROPE: {
    JSValue text = js_linearize_string_rope(context, JS_DupValue(context, value));
    if (JS_IsException(text)) return -1;
    int outcome = put_string(buffer, JS_VALUE_GET_STRING(text));
    JS_FreeValue(context, text);
    return outcome;
  }
  case JS_TAG_OBJECT: {
    JSObject *object = JS_VALUE_GET_OBJ(value);
    if (depth >= MAX_DEPTH) return -1;
    if (object->class_id == JS_CLASS_ARRAY) return print_array(buffer, object, depth + 1);
    return print_object(buffer, object, depth + 1);
  }
  default: return -1;
  }
}

static int print_array(Buffer *buffer, JSObject *array, int depth) {
  uint32_t count = array->u.array.count;
  if (!array->fast_array || !is_plain(array, JS_CLASS_ARRAY) || array->shape->prop_count != 1) return -1;
  JSValue length = array->prop[0].u.value;
  if (JS_VALUE_GET_TAG(length) != JS_TAG_INT || (uint32_t)JS_VALUE_GET_INT(length) != count) return -1;
  if (put_all(buffer, "[", 1)) return -1;
  for (uint32_t i = 0; i < count; i++) {
    JSValue item = array->u.array.u.values[i];
    if (JS_IsUndefined(item)) item = JS_NULL;
    if (print(buffer, item, depth) || put_all(buffer, ",", 1)) return -1;
  }
  if (count > 0) buffer->length--;
  return put_all(buffer, "]", 1);
}

static int print_object(Buffer *buffer, JSObject *object, int depth) {
  JSShape *shape = object->shape;
  JSShapeProperty *fields = get_shape_prop(shape);
  int count = shape->prop_count, is_empty = 1;
  if (object->is_exotic || !is_plain(object, JS_CLASS_OBJECT)) return -1;
  if (put_all(buffer, "{", 1)) return -1;
  for (int i = 0; i < count; i++) {
    JSAtom atom = fields[i].atom;
    int flags = fields[i].flags;
    if (atom == JS_ATOM_NULL || !(flags & JS_PROP_ENUMERABLE)) continue;
    /* Numbers come first, whenever they were set. */
    if ((flags & JS_PROP_TMASK) != JS_PROP_NORMAL || atom == JS_ATOM_toJSON || __JS_AtomIsTaggedInt(atom)) return -1;
    JSAtomStruct *key = runtime->atom_array[atom];
    if (key->atom_type != JS_ATOM_TYPE_STRING) continue;
    if (key->len > 0 && !key->is_wide_char && is_digit(key->u.str8[0])) return -1;
    JSValue value = object->prop[i].u.value;
    if (JS_IsUndefined(value)) continue;
    if (put_string(buffer, key) || put_all(buffer, ":", 1)) return -1;
    if (print(buffer, value, depth) || put_all(buffer, ",", 1)) return -1;
    is_empty = 0;
  }
  if (!is_empty) buffer->length--;
  return put_all(buffer, "}", 1);
}

/* Prints a document as `JSON.stringify` does, with a NUL after it. Returns 1, 0 if the value has no JSON, -1 if that threw. */
static int print_document(Buffer *buffer, JSValueConst value) {
  buffer->length = 0;
  if (print(buffer, value, 0) == 0 && put_all(buffer, "", 1) == 0) {
    buffer->length--;
    return 1;
  }
  JSValue text = JS_JSONStringify(context, value, JS_UNDEFINED, JS_UNDEFINED);
  buffer->length = 0;
  if (JS_IsException(text)) return -1;
  if (JS_IsUndefined(text)) return 0;
  size_t length;
  const char *bytes = JS_ToCStringLen(context, &length, text);
  JS_FreeValue(context, text);
  if (bytes == NULL) return -1;
  int failed = put_all(buffer, bytes, length + 1);
  JS_FreeCString(context, bytes);
  if (failed) {
    JS_ThrowOutOfMemory(context);
    return -1;
  }
  buffer->length--;
  return 1;
}

/* Reading documents */

typedef struct {
  const uint8_t *at, *end;
} Reader;

/*
 * The keys that were last seen after each key, and first in the object of each key, so that documents of one kind need
 * no look-ups.
 */
static JSAtom next_keys[256], first_keys[256];

/* `parent` is the key of the value. */
static JSValue read_value(Reader *reader, JSAtom parent, int depth);

static inline void skip_space(Reader *reader) {
  while (reader->at < reader->end &&
         (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t'))
    reader->at++;
}

/* Skips white space and a byte; returns whether it was there. */
static inline int skip(Reader *reader, uint8_t byte) {
  skip_space(reader);
  if (reader->at == reader->end || *reader->at != byte) return 0;
  reader->at++;
  return 1;
}

/* The end of the run of bytes that a string has as they are, of which `is_ascii` says that none is above 0x7f. */
static inline const uint8_t *plain_end(Reader *reader, int *is_ascii) {
  const uint8_t *at = reader->at, *end = reader->end;
  uint8_t all = 0;
  while (at < end && *at >= 0x20 && *at != '"' && *at != '\\') all |= *at++;
  *is_ascii = all < 0x80;
  return at;
}

static int read_hex(Reader *reader) {
  int unit = 0;
  if (reader->end - reader->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = from_hex(*reader->at++);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static int read_escape(Reader *reader) {
  if (reader->at == reader->end) return -1;
  uint8_t kind = *reader->at++;
  switch (kind) {
  case '"': case '\\': case '/': return kind;
  case 'b': return '\b';
  case 'f': return '\f';
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'u': return read_hex(reader);
  default: return -1;
  }
}

/* The rest of a string with escapes, of which the first part is at `start`. */
static no_inline JSValue read_escaped(Reader *reader, const uint8_t *start) {
  StringBuffer text;
  if (string_buffer_init(context, &text, 64)) return JS_EXCEPTION;
  reader->at = start;
  for (;;) {
    if (reader->at == reader->end || *reader->at < 0x20) break;
    uint8_t byte = *reader->at;
    if (byte == '"') {
      reader->at++;
      return string_buffer_end(&text);
    }
    if (byte == '\\') {
      reader->at++;
      int unit = read_escape(reader);
      if (unit < 0) break;
      string_buffer_putc16(&text, unit);
    } else if (byte < 0x80) {
      reader->at++;
      string_buffer_putc8(&text, byte);
    } else {
      const uint8_t *next;
      int point = unicode_from_utf8(reader->at, reader->end - reader->at, &next);
      if (point < 0) break;
      reader->at = next;
      string_buffer_putc(&text, point);
    }
  }
  string_buffer_free(&text);
  return NOT_PLAIN;
}

/* A string, after its opening quote. */
static JSValue read_string(Reader *reader) {
  const uint8_t *start = reader->at;
  int is_ascii;
  const uint8_t *end = plain_end(reader, &is_ascii);
  if (end == reader->end) return NOT_PLAIN;
  if (*end != '"') return *end == '\\' ? read_escaped(reader, start) : NOT_PLAIN;
  reader->at = end + 1;
  if (is_ascii) return js_new_string8_len(context, (const char *)start, end - start);
  return JS_NewStringLen(context, (const char *)start, end - start);
}

/*
 * A key with its colon, as an atom that the caller frees; JS_ATOM_NULL if it is not plain or memory is exhausted.
 * `guess` is the key that is expected.
 */
static JSAtom read_key(Reader *reader, JSAtom *guess) {
  if (!skip(reader, '"')) return JS_ATOM_NULL;
  const uint8_t *start = reader->at;
  JSAtom atom = *guess;
  if (atom != JS_ATOM_NULL) {
    JSAtomStruct *key = runtime->atom_array[atom];
    size_t length = key->len;
    if ((size_t)(reader->end - start) > length && start[length] == '"' && memcmp(start, key->u.str8, length) == 0) {
      reader->at = start + length + 1;
      return skip(reader, ':') ? JS_DupAtom(context, atom) : JS_ATOM_NULL;
    }
  }
  int is_ascii;
  const uint8_t *end = plain_end(reader, &is_ascii);
  if (end == reader->end) return JS_ATOM_NULL;
  if (*end == '"') {
    atom = JS_NewAtomLen(context, (const char *)start, end - start);
    reader->at = end + 1;
  } else {
    JSValue text = *end == '\\' ? read_escaped(reader, start) : NOT_PLAIN;
    if (JS_VALUE_GET_TAG(text) != JS_TAG_STRING) return JS_ATOM_NULL;
    atom = JS_NewAtomStr(context, JS_VALUE_GET_STRING(text));
    is_ascii = 0;
  }
  if (atom != JS_ATOM_NULL && is_ascii && !__JS_AtomIsTaggedInt(atom)) {
    JS_FreeAtom(context, *guess);
    *guess = JS_DupAtom(context, atom);
  }
  if (atom == JS_ATOM_NULL || skip(reader, ':')) return atom;
  JS_FreeAtom(context, atom);
  return JS_ATOM_NULL;
}

static JSValue read_object(Reader *reader, JSAtom parent, int depth) {
  JSValue result = JS_NewObject(context);
  if (JS_IsException(result)) return result;
  JSObject *object = JS_VALUE_GET_OBJ(result);
  JSAtom key, *guess = &first_keys[parent & 255];
  if (skip(reader, '}')) return result;
  for (;;) {
    key = read_key(reader, guess);
    if (key == JS_ATOM_NULL) goto not_plain;
    JSValue value = read_value(reader, key, depth);
    if (IS_NOT_PLAIN(value) || JS_IsException(value)) {
      JS_FreeAtom(context, key);
      JS_FreeValue(context, result);
      return value;
    }
    if (unlikely(find_own_property1(object, key) != NULL)) {
      /* A field that occurs twice has its last value. */
      if (JS_DefinePropertyValue(context, result, key, value, JS_PROP_C_W_E) < 0) goto exception;
    } else {
      JSProperty *field = add_property(context, object, key, JS_PROP_C_W_E);
      if (field == NULL) {
        JS_FreeValue(context, value);
        goto exception;
      }
      field->u.value = value;
    }
    guess = &next_keys[key & 255];
    /* The object holds the atom. */
    JS_FreeAtom(context, key);
    if (skip(reader, ',')) continue;
    if (skip(reader, '}')) return result;
    goto not_plain;
  }
not_plain:
  JS_FreeValue(context, result);
  return NOT_PLAIN;
exception:
  JS_FreeAtom(context, key);
  JS_FreeValue(context, result);
  return JS_EXCEPTION;
}

static JSValue read_array(Reader *reader, JSAtom parent, int depth) {
  JSValue result = JS_NewArray(context);
  if (JS_IsException(result)) return result;
  JSObject *array = JS_VALUE_GET_OBJ(result);
  uint32_t count = 0;
  if (skip(reader, ']')) return result;
  for (;;) {
    JSValue item = read_value(reader, parent, depth);
    if (IS_NOT_PLAIN(item) || JS_IsException(item)) {
      JS_FreeValue(context, result);
      return item;
    }
    if (count >= array->u.array.u1.size && expand_fast_array(context, array, count + 1) < 0) {
      JS_FreeValue(context, item);
      JS_FreeValue(context, result);
      return JS_EXCEPTION;
    }
    array->u.array.u.values[count++] = item;
    array->u.array.count = count;
    array->prop[0].u.value = JS_NewInt32(context, count);
    if (skip(reader, ',')) continue;
    if (skip(reader, ']')) return result;
    JS_FreeValue(context, result);
    return NOT_PLAIN;
  }
}

/* The end of a run of digits. */
static const uint8_t *digits_end(const uint8_t *at, const uint8_t *end) {
  while (at < end && is_digit(*at)) at++;
  return at;
}

static JSValue read_number(Reader *reader) {
  const uint8_t *start = reader->at, *end = reader->end;
  int is_negative = *start == '-', has_exponent = 0;
  const uint8_t *whole = start + is_negative, *point = digits_end(whole, end), *at = point;
  if (point == whole || (*whole == '0' && point - whole > 1)) return NOT_PLAIN;
  if (at < end && *at == '.') {
    at = digits_end(point + 1, end);
    if (at == point + 1) return NOT_PLAIN;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    has_exponent = 1;
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    const uint8_t *exponent = at;
    at = digits_end(at, end);
    if (at == exponent) return NOT_PLAIN;
  }
  reader->at = at;
  /* With at most 15 digits both the digits and the power of ten are exact, so the quotient is rounded correctly. */
  if (!has_exponent && at - whole <= 16) {
    int64_t digits = 0;
    for (const uint8_t *digit = whole; digit < at; digit++)
      if (*digit != '.') digits = digits * 10 + (*digit - '0');
    if (digits < 1000000000000000) {
      int places = at == point ? 0 : at - point - 1;
      if (places == 0 && digits <= INT32_MAX && !(is_negative && digits == 0))
        return JS_NewInt32(context, is_negative ? -(int32_t)digits : (int32_t)digits);
      double value = (double)digits / powers_of_ten[places];
      return JS_NewFloat64(context, is_negative ? -value : value);
    }
  }
  JSATODTempMem memory;
  return JS_NewFloat64(context, js_atod((const char *)start, NULL, 10, 0, &memory));
}

static JSValue read_word(Reader *reader, const char *word, size_t length, JSValue value) {
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return NOT_PLAIN;
  reader->at += length;
  return value;
}

/* Returns NOT_PLAIN for what is not a document, or is so in an unusual way. */
static JSValue read_value(Reader *reader, JSAtom parent, int depth) {
  skip_space(reader);
  if (reader->at == reader->end || depth >= MAX_DEPTH) return NOT_PLAIN;
  switch (*reader->at) {
  case '{': reader->at++; return read_object(reader, parent, depth + 1);
  case '[': reader->at++; return read_array(reader, parent, depth + 1);
  case '"': reader->at++; return read_string(reader);
  case 't': return read_word(reader, "true", 4, JS_TRUE);
  case 'f': return read_word(reader, "false", 5, JS_FALSE);
  case 'n': return read_word(reader, "null", 4, JS_NULL);
  case '-': case '0': case '1': case '2': case '3': case '4':
  case '5': case '6': case '7': case '8': case '9': return read_number(reader);
  default: return NOT_PLAIN;
  }
}

static JSValue read_document(const uint8_t *bytes, size_t length) {
  Reader reader = {bytes, bytes + length};
  JSValue value = read_value(&reader, JS_ATOM_NULL, 0);
  if (!IS_NOT_PLAIN(value)) {
    skip_space(&reader);
    if (JS_IsException(value) || reader.at == reader.end) return value;
    JS_FreeValue(context, value);
  }
  return JS_ParseJSON(context, (const char *)bytes, length, "body");
}

/* What scripts see */

static JSValue throw_text(const char *text) { return JS_Throw(context, JS_NewString(context, text)); }

/* Sends a request to the engine, whose answer begins with a letter: `v` for a value, `e` for an error. */
static JSValue ask(const char *what, size_t what_length, const char *first, size_t first_length, const char *second,
                   size_t second_length) {
  uint8_t *answer = host_ask(what, what_length, first, first_length, second, second_length);
  if (answer == NULL) return JS_UNDEFINED;
  uint32_t length;
  memcpy(&length, answer, sizeof(length));
  const char *text = (const char *)answer + sizeof(length);
  JSValue value = JS_NewStringLen(context, text + 1, length - 1);
  int failed = text[0] == 'e';
  free(answer);
  return failed && !JS_IsException(value) ? JS_Throw(context, value) : value;
}

static JSValue ask_for(JSContext *unused, JSValueConst self, int count, JSValueConst *values) {
  const char *texts[3];
  size_t lengths[3];
  JSValue result = JS_EXCEPTION;
  int known = 0;
  for (; known < 3; known++) {
    texts[known] = JS_ToCStringLen(context, &lengths[known], values[known]);
    if (texts[known] == NULL) goto done;
  }
  result = ask(texts[0], lengths[0], texts[1], lengths[1], texts[2], lengths[2]);
done:
  while (known > 0) JS_FreeCString(context, texts[--known]);
  return result;
}

static JSValue body_as_string(void) {
  if (body_kind == TEXT) return JS_DupValue(context, body_text);
  if (body_kind == DOCUMENT) return JS_NewStringLen(context, (const char *)printed.bytes, printed.length);
  return JS_NewStringLen(context, (const char *)body, body_length);
}

/* Bytes that QuickJS does not accept are judged by the engine, which has the original's rules and errors. */
static JSValue read_or_ask(const char *bytes, size_t length) {
  JSValue value = read_document((const uint8_t *)bytes, length);
  if (!JS_IsException(value)) return value;
  JS_FreeValue(context, JS_GetException(context));
  JSValue answer = body_kind == TEXT ? ask("text", 4, bytes, length, "", 0) : ask("body", 4, "", 0, "", 0);
  if (JS_IsException(answer)) return answer;
  const char *text = JS_ToCStringLen(context, &length, answer);
  JS_FreeValue(context, answer);
  if (text == NULL) return JS_EXCEPTION;
  value = read_document((const uint8_t *)text, length);
  JS_FreeCString(context, text);
  return value;
}

static JSValue body_as_structured(void) {
  if (body_kind == DOCUMENT) return read_document(printed.bytes, printed.length);
  if (body_kind == UNCHANGED) return read_or_ask((const char *)body, body_length);
  size_t length;
  const char *text = JS_ToCStringLen(context, &length, body_text);
  if (text == NULL) return JS_EXCEPTION;
  JSValue value = read_or_ask(text, length);
  JS_FreeCString(context, text);
  return value;
}

static JSValue set_string(JSValueConst value) {
  JSValue text = JS_ToString(context, value);
  if (JS_IsException(text)) return text;
  JS_FreeValue(context, body_text);
  body_text = text;
  body_kind = TEXT;
  return JS_UNDEFINED;
}

static JSValue set_structured(JSValueConst value) {
  static Buffer next;
  int outcome = print_document(&next, value);
  if (outcome < 0) return JS_EXCEPTION;
  if (outcome == 0) {
    char text[64];
    const char *type = JS_AtomToCString(context, js_operator_typeof(context, value));
    snprintf(text, sizeof(text), "a value of the type %s has no structure", type == NULL ? "?" : type);
    JS_FreeCString(context, type);
    return throw_text(text);
  }
  Buffer previous = printed;
  printed = next;
  next = previous;
  body_kind = DOCUMENT;
  return JS_UNDEFINED;
}

enum { AS_STRING, AS_STRUCTURED, SET_STRING, SET_STRUCTURED };

static JSValue body_function(JSContext *unused, JSValueConst self, int count, JSValueConst *values, int kind) {
  int most = kind >= SET_STRING;
  if (count > most) {
    char text[80];
    snprintf(text, sizeof(text), "have %d arguments, but only %d pointers to parse into", count, most);
    return throw_text(text);
  }
  if (count == 1 && JS_IsUndefined(values[0])) return throw_text("argument at position 0 is undefined");
  JSValueConst value = count == 1 ? values[0] : JS_UNDEFINED;
  switch (kind) {
  case AS_STRING: return body_as_string();
  case AS_STRUCTURED: return body_as_structured();
  case SET_STRING: return set_string(value);
  default: return set_structured(value);
  }
}

static const JSCFunctionListEntry body_functions[] = {
  JS_CFUNC_MAGIC_DEF("v0_msg_as_string", 0, body_function, AS_STRING),
  JS_CFUNC_MAGIC_DEF("v0_msg_as_structured", 0, body_function, AS_STRUCTURED),
  JS_CFUNC_MAGIC_DEF("v0_msg_set_string", 1, body_function, SET_STRING),
  JS_CFUNC_MAGIC_DEF("v0_msg_set_structured", 1, body_function, SET_STRUCTURED),
};

/* What the engine calls */

static int give(const uint8_t *bytes, size_t length, int outcome) {
  result_place.bytes = bytes;
  result_place.length = length;
  return outcome;
}

static int give_text(JSValue value, int outcome) {
  size_t length = 0;
  if (result_text != NULL) JS_FreeCString(context, result_text);
  result_text = JS_IsException(value) ? NULL : JS_ToCStringLen(context, &length, value);
  JS_FreeValue(context, value);
  if (result_text != NULL) return give((const uint8_t *)result_text, length, outcome);
  static const char no_memory[] = "InternalError: out of memory";
  JS_FreeValue(context, JS_GetException(context));
  return give((const uint8_t *)no_memory, sizeof(no_memory) - 1, FAILED);
}

static int give_failure(JSValue error) {
  JSValue text = JS_Call(context, describe_error, JS_UNDEFINED, 1, &error);
  JS_FreeValue(context, error);
  return give_text(text, FAILED);
}

EXPORT(result) void *result(void) { return &result_place; }

EXPORT(allocate) void *allocate(size_t length) { return malloc(length); }

EXPORT(release) void release(void *bytes) { free(bytes); }

/*
 * Starts QuickJS, and calls the prelude with `bento` and `ask`. Texts that are evaluated end with a NUL, which their
 * length leaves out.
 */
EXPORT(start) int start(size_t memory_limit, size_t stack_size, const char *prelude, size_t length) {
  runtime = JS_NewRuntime();
  if (runtime == NULL) return give_text(JS_EXCEPTION, FAILED);
  JS_SetMemoryLimit(runtime, memory_limit);
  JS_SetMaxStackSize(runtime, stack_size);
  context = JS_NewContext(runtime);
  if (context == NULL) abort();
  describe_error = program = body_text = JS_UNDEFINED;
  JSValue install = JS_Eval(context, prelude, length, "prelude.js", JS_EVAL_TYPE_GLOBAL);
  JSValue bento = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, bento, body_functions, countof(body_functions));
  JSValue values[] = {bento, JS_NewCFunction(context, ask_for, "ask", 3)};
  prelude_functions = JS_Call(context, install, JS_UNDEFINED, 2, values);
  for (int i = 0; i < 2; i++) JS_FreeValue(context, values[i]);
  JS_FreeValue(context, install);
  if (JS_IsException(prelude_functions)) return give_text(JS_ToString(context, JS_GetException(context)), FAILED);
  describe_error = JS_GetPropertyStr(context, prelude_functions, "describe");
  return UNCHANGED;
}

/* Calls a function of the prelude with two texts, and gives its result as text. */
EXPORT(call) int call(const char *name, const char *first, size_t first_length, const char *second,
                      size_t second_length) {
  JSValue function = JS_GetPropertyStr(context, prelude_functions, name);
  JSValue values[] = {JS_NewStringLen(context, first, first_length), JS_NewStringLen(context, second, second_length)};
  JSValue value = JS_Call(context, function, JS_UNDEFINED, 2, values);
  for (int i = 0; i < 2; i++) JS_FreeValue(context, values[i]);
  JS_FreeValue(context, function);
  return JS_IsException(value) ? give_failure(JS_GetException(context)) : give_text(value, TEXT);
}

/* Makes `run` call the function that a text evaluates to. */
EXPORT(load) int load(const char *text, size_t length, const char *file_name) {
  JSValue value = JS_Eval(context, text, length, file_name, JS_EVAL_TYPE_GLOBAL);
  if (JS_IsException(value)) return give_failure(JS_GetException(context));
  JS_FreeValue(context, program);
  program = value;
  return UNCHANGED;
}

/* Makes `run` evaluate a text, which has to stay where it is, each time. */
EXPORT(load_source) void load_source(const char *text, size_t length, const char *file_name) {
  source_text = text;
  source_length = length;
  source_name = file_name;
}

/* Runs the program on a body, which ends with a NUL that its length leaves out, until nothing is left to do. */
EXPORT(run) int run(const uint8_t *bytes, size_t length) {
  body = bytes;
  body_length = length;
  body_kind = UNCHANGED;
  JS_FreeValue(context, body_text);
  body_text = JS_UNDEFINED;
  JSValueConst global = context->global_obj;
  JSValue value = source_text == NULL
    ? JS_Call(context, program, global, 0, NULL)
    : JS_EvalInternal(context, global, source_text, source_length, source_name, JS_EVAL_TYPE_INDIRECT, -1);
  while (JS_IsJobPending(runtime)) JS_ExecutePendingJob(runtime, NULL);
  if (JS_IsException(value)) return give_failure(JS_GetException(context));
  int state = JS_PromiseState(context, value);
  JSValue reason = state == JS_PROMISE_REJECTED ? JS_PromiseResult(context, value) : JS_UNDEFINED;
  JS_FreeValue(context, value);
  if (state == JS_PROMISE_PENDING) return PENDING;
  if (state == JS_PROMISE_REJECTED) return give_failure(reason);
  if (body_kind == DOCUMENT) return give(printed.bytes, printed.length, DOCUMENT);
  return body_kind == TEXT ? give_text(JS_DupValue(context, body_text), TEXT) : UNCHANGED;
}
