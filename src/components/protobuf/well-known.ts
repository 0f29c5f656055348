/** The files that every schema may import, reduced to what conversion needs: without comments, options and services. */
export const WELL_KNOWN: Readonly<Record<string, string>> = {
  'google/protobuf/any.proto': proto('message Any { string type_url = 1; bytes value = 2; }'),
  'google/protobuf/duration.proto': proto('message Duration { int64 seconds = 1; int32 nanos = 2; }'),
  'google/protobuf/empty.proto': proto('message Empty {}'),
  'google/protobuf/field_mask.proto': proto('message FieldMask { repeated string paths = 1; }'),
  'google/protobuf/source_context.proto': proto('message SourceContext { string file_name = 1; }'),
  'google/protobuf/struct.proto': proto(`
    message Struct { map<string, Value> fields = 1; }
    message Value {
      oneof kind {
        NullValue null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
        Struct struct_value = 5; ListValue list_value = 6;
      }
    }
    enum NullValue { NULL_VALUE = 0; }
    message ListValue { repeated Value values = 1; }`),
  'google/protobuf/timestamp.proto': proto('message Timestamp { int64 seconds = 1; int32 nanos = 2; }'),
  'google/protobuf/wrappers.proto': proto(`
    message DoubleValue { double value = 1; }
    message FloatValue { float value = 1; }
    message Int64Value { int64 value = 1; }
    message UInt64Value { uint64 value = 1; }
    message Int32Value { int32 value = 1; }
    message UInt32Value { uint32 value = 1; }
    message BoolValue { bool value = 1; }
    message StringValue { string value = 1; }
    message BytesValue { bytes value = 1; }`),
  'google/protobuf/type.proto': proto(`
    import "google/protobuf/any.proto";
    import "google/protobuf/source_context.proto";
    message Type {
      string name = 1; repeated Field fields = 2; repeated string oneofs = 3; repeated Option options = 4;
      SourceContext source_context = 5; Syntax syntax = 6; string edition = 7;
    }
    message Field {
      enum Kind {
        TYPE_UNKNOWN = 0; TYPE_DOUBLE = 1; TYPE_FLOAT = 2; TYPE_INT64 = 3; TYPE_UINT64 = 4; TYPE_INT32 = 5; TYPE_FIXED64 = 6;
        TYPE_FIXED32 = 7; TYPE_BOOL = 8; TYPE_STRING = 9; TYPE_GROUP = 10; TYPE_MESSAGE = 11; TYPE_BYTES = 12; TYPE_UINT32 = 13;
        TYPE_ENUM = 14; TYPE_SFIXED32 = 15; TYPE_SFIXED64 = 16; TYPE_SINT32 = 17; TYPE_SINT64 = 18;
      }
      enum Cardinality {
        CARDINALITY_UNKNOWN = 0; CARDINALITY_OPTIONAL = 1; CARDINALITY_REQUIRED = 2; CARDINALITY_REPEATED = 3;
      }
      Kind kind = 1; Cardinality cardinality = 2; int32 number = 3; string name = 4; string type_url = 6; int32 oneof_index = 7;
      bool packed = 8; repeated Option options = 9; string json_name = 10; string default_value = 11;
    }
    message Enum {
      string name = 1; repeated EnumValue enumvalue = 2; repeated Option options = 3; SourceContext source_context = 4;
      Syntax syntax = 5; string edition = 6;
    }
    message EnumValue { string name = 1; int32 number = 2; repeated Option options = 3; }
    message Option { string name = 1; Any value = 2; }
    enum Syntax { SYNTAX_PROTO2 = 0; SYNTAX_PROTO3 = 1; SYNTAX_EDITIONS = 2; }`),
  'google/protobuf/api.proto': proto(`
    import "google/protobuf/source_context.proto";
    import "google/protobuf/type.proto";
    message Api {
      string name = 1; repeated Method methods = 2; repeated Option options = 3; string version = 4;
      SourceContext source_context = 5; repeated Mixin mixins = 6; Syntax syntax = 7;
    }
    message Method {
      string name = 1; string request_type_url = 2; bool request_streaming = 3; string response_type_url = 4;
      bool response_streaming = 5; repeated Option options = 6; Syntax syntax = 7;
    }
    message Mixin { string name = 1; string root = 2; }`),
  // Options are skipped, so the messages that they extend need no fields; the rest is used to read descriptor sets.
  'google/protobuf/descriptor.proto': `syntax = "proto2"; package google.protobuf;
    message FileDescriptorSet { repeated FileDescriptorProto file = 1; }
    message FileDescriptorProto {
      optional string name = 1; optional string package = 2; repeated string dependency = 3; repeated int32 public_dependency = 10;
      repeated int32 weak_dependency = 11; repeated DescriptorProto message_type = 4; repeated EnumDescriptorProto enum_type = 5;
      repeated FieldDescriptorProto extension = 7; optional FileOptions options = 8; optional string syntax = 12;
      optional Edition edition = 14;
    }
    enum Edition { EDITION_UNKNOWN = 0; EDITION_PROTO2 = 998; EDITION_PROTO3 = 999; EDITION_2023 = 1000; EDITION_2024 = 1001; }
    message DescriptorProto {
      optional string name = 1; repeated FieldDescriptorProto field = 2; repeated FieldDescriptorProto extension = 6;
      repeated DescriptorProto nested_type = 3; repeated EnumDescriptorProto enum_type = 4;
      repeated OneofDescriptorProto oneof_decl = 8; optional MessageOptions options = 7;
    }
    message FieldDescriptorProto {
      enum Type {
        TYPE_DOUBLE = 1; TYPE_FLOAT = 2; TYPE_INT64 = 3; TYPE_UINT64 = 4; TYPE_INT32 = 5; TYPE_FIXED64 = 6; TYPE_FIXED32 = 7;
        TYPE_BOOL = 8; TYPE_STRING = 9; TYPE_GROUP = 10; TYPE_MESSAGE = 11; TYPE_BYTES = 12; TYPE_UINT32 = 13; TYPE_ENUM = 14;
        TYPE_SFIXED32 = 15; TYPE_SFIXED64 = 16; TYPE_SINT32 = 17; TYPE_SINT64 = 18;
      }
      enum Label { LABEL_OPTIONAL = 1; LABEL_REQUIRED = 2; LABEL_REPEATED = 3; }
      optional string name = 1; optional int32 number = 3; optional Label label = 4; optional Type type = 5;
      optional string type_name = 6; optional string extendee = 2; optional int32 oneof_index = 9; optional string json_name = 10;
      optional FieldOptions options = 8; optional bool proto3_optional = 17;
    }
    message OneofDescriptorProto { optional string name = 1; optional OneofOptions options = 2; }
    message EnumDescriptorProto {
      optional string name = 1; repeated EnumValueDescriptorProto value = 2; optional EnumOptions options = 3;
    }
    message EnumValueDescriptorProto { optional string name = 1; optional int32 number = 2; optional EnumValueOptions options = 3; }
    message FeatureSet {
      enum FieldPresence { FIELD_PRESENCE_UNKNOWN = 0; EXPLICIT = 1; IMPLICIT = 2; LEGACY_REQUIRED = 3; }
      enum RepeatedFieldEncoding { REPEATED_FIELD_ENCODING_UNKNOWN = 0; PACKED = 1; EXPANDED = 2; }
      enum Utf8Validation { UTF8_VALIDATION_UNKNOWN = 0; VERIFY = 2; NONE = 3; }
      enum MessageEncoding { MESSAGE_ENCODING_UNKNOWN = 0; LENGTH_PREFIXED = 1; DELIMITED = 2; }
      optional FieldPresence field_presence = 1; optional RepeatedFieldEncoding repeated_field_encoding = 3;
      optional Utf8Validation utf8_validation = 4; optional MessageEncoding message_encoding = 5;
    }
    message FileOptions { optional FeatureSet features = 50; extensions 1000 to max; }
    message MessageOptions { optional bool map_entry = 7; optional FeatureSet features = 12; extensions 1000 to max; }
    message FieldOptions { optional bool packed = 2; optional FeatureSet features = 21; extensions 1000 to max; }
    message OneofOptions { extensions 1000 to max; }
    message EnumOptions { extensions 1000 to max; }
    message EnumValueOptions { extensions 1000 to max; }
    message ServiceOptions { extensions 1000 to max; }
    message MethodOptions { extensions 1000 to max; }`,
}

function proto(body: string): string {
  return `syntax = "proto3"; package google.protobuf; ${body}`
}
