// Tries a known shape first, else walks the tokens and stages each declared field; the verdict comes last, when all
// problems are known, event time before the rest. What becomes of a refused record is the reader's.
#include "operators/formats/json_decoder.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"
#include "operators/formats/json_cursor.h"
#include "operators/formats/json_fields.h"
#include "operators/formats/json_list.h"
#include "operators/formats/json_shapes.h"
#include "operators/formats/json_string.h"
#include "operators/formats/json_tokens.h"
#include "operators/formats/json_values.h"
#include "operators/formats/staged_row.h"

namespace tidemark {
namespace {

static_assert(JsonDecoder::kMaxLevels == JsonCursor::kMaxLevels);

constexpr size_t kLargeScratch = size_t{2} << 20;

using Found = StagedField::Found;

enum class Step : uint8_t {
  kOn,
  kAllFound,  // every declared field has been seen: what follows is not judged
  kBroken,
};

std::string describe_problem(const DeclaredField& field, const StagedField& staged) {
  switch (staged.found) {
    case Found::kAbsent: return fmt::format("field `{}` is missing", field.name);
    case Found::kNull: return fmt::format("field `{}` is null", field.name);
    case Found::kProblem:
      if (staged.outcome == ReadOutcome::kWrongKind && staged.token != TokenKind::kArray) {
        return fmt::format("field `{}` is {}, not {}", field.name, describe(staged.token), written_type(field));
      }
      return fmt::format("field `{}` {}, not {}", field.name, describe(staged.outcome), written_type(field));
    case Found::kValue: break;
  }
  return {};
}

}  // namespace

struct JsonDecoder::State {
  explicit State(DecodeSpec declared);

  DecodeResult decode(std::string_view text);
  bool decode_by_shape(std::string_view text);
  DecodeResult walk(std::string_view text);
  DecodeResult refuse_text(const char* what);
  DecodeResult refuse_at_cursor();
  void begin(std::string_view text);
  void make_scratch(size_t bytes);

  Step walk_object(const JsonFields::Node& node, size_t level);
  Step read_child(uint32_t child, size_t level);
  Step read_leaf_container(const JsonFields::Node& node, size_t level);
  Step read_leaf_scalar(const JsonFields::Node& node, size_t level);
  void read_list(uint32_t field, size_t start);
  bool take_child(const JsonFields::Node& node, uint32_t& child);
  void note_problem(StagedField& staged, ReadOutcome outcome, TokenKind token) const {
    staged.found = Found::kProblem;
    staged.outcome = outcome;
    staged.token = token;
  }
  Step after_leaf(size_t level) {
    levels_at_end = level;
    return missing == 0 ? Step::kAllFound : Step::kOn;
  }

  const DecodeSpec spec;
  const JsonFields fields;
  const std::vector<StagedOutput> outputs;
  std::vector<ValueKind> kinds;   // by field
  size_t scratch_factor = 2;      // scratch for each byte of a record: unescaped, then base64; for each equal path

  JsonShapes shapes;

  JsonTokens tokens;
  JsonCursor cursor;
  std::vector<uint64_t> seen_in;  // by node: the last record that had it
  uint64_t record = 0;
  size_t missing = 0;             // declared fields not yet seen in this record
  size_t good = 0;                // declared fields that have a value
  size_t levels_at_end = 0;
  std::vector<StagedField> staged;     // by field
  std::vector<std::string> lists; // by field: the text of kList values
  std::string scratch;            // strings that are not as they stand in the record
  std::string list_scratch;
  std::string message;
};

JsonDecoder::State::State(DecodeSpec declared) : spec(std::move(declared)), fields(spec.fields), outputs(outputs_of(spec)) {
  for (uint32_t i = 0; i < spec.fields.size(); ++i) {
    kinds.push_back(*value_kind(spec.fields[i].type, spec.fields[i].unit));
  }
  for (uint32_t i = 0; i < fields.nodes(); ++i) {
    scratch_factor = std::max(scratch_factor, 2 * fields.node(i).leaves.size());
  }
  seen_in.resize(fields.nodes());
  staged.resize(spec.fields.size());
  lists.resize(spec.fields.size());
}

// Views into the scratch must stay valid for the whole record, so its room is made beforehand.
void JsonDecoder::State::make_scratch(size_t bytes) {
  if (scratch.capacity() > kLargeScratch && bytes <= kLargeScratch) {
    std::string().swap(scratch);
    std::string().swap(list_scratch);
    for (std::string& list : lists) std::string().swap(list);
  }
  scratch.clear();
  scratch.reserve(bytes);
}

void JsonDecoder::State::begin(std::string_view text) {
  const bool may_escape = std::memchr(text.data(), '\\', text.size()) != nullptr;
  cursor = JsonCursor(text, tokens, may_escape);
  ++record;
  missing = spec.fields.size();
  good = 0;
  levels_at_end = 1;
  for (StagedField& s : staged) s.found = Found::kAbsent;
  make_scratch(text.size() * scratch_factor);
}

DecodeResult JsonDecoder::State::refuse_text(const char* what) {
  message = what;
  return {.reason = Reason::kDecode, .event_time = std::nullopt};
}

DecodeResult JsonDecoder::State::refuse_at_cursor() {
  message = fmt::format("not JSON at byte {}: {}", cursor.offset(), cursor.problem());
  return {.reason = Reason::kDecode, .event_time = std::nullopt};
}

DecodeResult JsonDecoder::State::decode(std::string_view text) {
  if (decode_by_shape(text)) {
    // Made where it is wanted: a copy of bytes just written one by one would wait for them.
    if (spec.event_time) return {.reason = std::nullopt, .event_time = Time{staged[*spec.event_time].value.integer}};
    return {};
  }
  const DecodeResult result = walk(text);
  if (result.ok()) shapes.learn(text, JsonCursor(text, tokens, cursor.may_escape()), fields, spec);
  return result;
}

bool JsonDecoder::State::decode_by_shape(std::string_view text) {
  make_scratch(text.size() * scratch_factor);
  return shapes.read(text, scratch, staged);
}

DecodeResult JsonDecoder::State::walk(std::string_view text) {
  if (text.empty()) return refuse_text("the value is null or empty");
  if (text.starts_with("\xEF\xBB\xBF")) return refuse_text("the value begins with a byte-order mark");
  if (const char* problem = tokens.index(text)) return refuse_text(problem);
  if (text[tokens.offsets()[0]] != '{') return refuse_text("the value is not a JSON object");
  if (text[tokens.offsets()[tokens.count() - 1]] != '}') return refuse_text("the value does not end with `}`");
  begin(text);
  cursor.next();
  const Step step = missing == 0 ? Step::kAllFound : walk_object(fields.node(0), 1);
  switch (step) {
    case Step::kBroken: return refuse_at_cursor();
    case Step::kAllFound:
      if (!cursor.skip_rest(levels_at_end)) return refuse_at_cursor();
      break;
    case Step::kOn:
      if (cursor.position() != tokens.count()) return refuse_text("something follows the object");
      break;
  }
  return judge_staged(spec, staged, good == spec.fields.size(), describe_problem, message);
}

// Passes a key. Keys without escapes, nearly all of them, are compared as they stand.
bool JsonDecoder::State::take_child(const JsonFields::Node& node, uint32_t& child) {
  std::string_view key;
  if (!cursor.take_key(key)) return false;
  std::string_view name = key.substr(1, key.size() - 2);
  if (cursor.may_escape() && name.find('\\') != std::string_view::npos) {
    const size_t start = scratch.size();
    if (!append_unescaped(name, scratch)) return cursor.fail("a broken escape in a key");
    name = std::string_view(scratch).substr(start);
    child = fields.find(node, name);
    scratch.resize(start);
    return true;
  }
  child = fields.find(node, name);
  return true;
}

// The cursor stands behind the `{` of the object that `node` describes, which is on `level`.
Step JsonDecoder::State::walk_object(const JsonFields::Node& node, size_t level) {
  if (level > kMaxLevels) return cursor.fail("more than 1,024 levels"), Step::kBroken;
  if (cursor.first() == '}') return cursor.next(), Step::kOn;
  while (true) {
    uint32_t child = JsonFields::kNone;
    if (!take_child(node, child)) return Step::kBroken;
    if (child == JsonFields::kNone || seen_in[child] == record) {
      if (!cursor.skip_value(level)) return Step::kBroken;
    } else {
      seen_in[child] = record;
      const Step step = read_child(child, level);
      if (step != Step::kOn) return step;
    }
    const char c = cursor.first();
    if (c != ',' && c != '}') return cursor.fail("expected a comma or a closing bracket"), Step::kBroken;
    cursor.next();
    if (c == '}') return Step::kOn;
  }
}

Step JsonDecoder::State::read_child(uint32_t child, size_t level) {
  const JsonFields::Node& node = fields.node(child);
  const char c = cursor.first();
  if (!node.leaves.empty()) {
    return c == '{' || c == '[' ? read_leaf_container(node, level) : read_leaf_scalar(node, level);
  }
  if (c == '{') {
    cursor.next();
    return walk_object(node, level + 1);
  }
  return cursor.skip_value(level) ? Step::kOn : Step::kBroken;
}

Step JsonDecoder::State::read_leaf_scalar(const JsonFields::Node& node, size_t level) {
  const char c = cursor.first();
  const TokenKind kind = token_kind(c);
  if (kind == TokenKind::kBroken) return cursor.fail("expected a JSON value"), Step::kBroken;
  const std::string_view token = cursor.token();
  const StringSource strings{cursor.may_escape(), &scratch};
  for (const uint32_t field : node.leaves) {
    StagedField& s = staged[field];
    const ReadOutcome outcome = read_scalar(kinds[field], kind, token, strings, s.value);
    if (outcome == ReadOutcome::kValue) {
      s.found = Found::kValue;
      ++good;
    } else if (outcome == ReadOutcome::kMalformed) {
      return cursor.fail("expected a JSON value"), Step::kBroken;
    } else if (kind == TokenKind::kNull) {
      s.found = Found::kNull;
    } else {
      note_problem(s, outcome, kind);
    }
  }
  cursor.next();
  missing -= node.leaves.size();
  return after_leaf(level);
}

// A field may be declared beside fields within it (`a` and `a.b`); then an object is walked for those.
Step JsonDecoder::State::read_leaf_container(const JsonFields::Node& node, size_t level) {
  const size_t start = cursor.position();
  const TokenKind kind = token_kind(cursor.first());
  missing -= node.leaves.size();
  for (const uint32_t field : node.leaves) note_problem(staged[field], ReadOutcome::kWrongKind, kind);
  if (kind == TokenKind::kObject && !node.children.empty()) {
    cursor.next();
    return walk_object(node, level + 1);
  }
  if (!cursor.skip_value(level)) return Step::kBroken;
  if (kind == TokenKind::kArray) {
    for (const uint32_t field : node.leaves) read_list(field, start);
  }
  return after_leaf(level);
}

// The array at token `start` is known to be JSON.
void JsonDecoder::State::read_list(uint32_t field, size_t start) {
  if (kinds[field] != ValueKind::kList) return;
  JsonCursor array = cursor;
  array.go_to(start);
  lists[field].clear();
  const auto outcome = append_list(array, spec.fields[field].type, spec.fields[field].unit, list_scratch, lists[field]);
  StagedField& s = staged[field];
  s.outcome = outcome;
  if (outcome != ReadOutcome::kValue) return;
  s.found = Found::kValue;
  s.value.text = lists[field];
  ++good;
}

JsonDecoder::JsonDecoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonDecoder::JsonDecoder(JsonDecoder&&) noexcept = default;
JsonDecoder& JsonDecoder::operator=(JsonDecoder&&) noexcept = default;
JsonDecoder::~JsonDecoder() = default;

Result<JsonDecoder> JsonDecoder::create(DecodeSpec spec) {
  for (const DeclaredField& field : spec.fields) {
    const bool readable = field.type.kind == TypeKind::kList ? list_is_readable(field.type)
                                                             : value_kind(field.type, field.unit).has_value();
    if (!readable) {
      return user_error(fmt::format("field `{}`: format json has no type {}", field.name, to_string(field.type)));
    }
  }
  if (spec.event_time) {
    CHECK_OR_DIE(*spec.event_time < spec.fields.size(), "the event-time field is one of the declared fields");
    const DeclaredField& field = spec.fields[*spec.event_time];
    if (field.type.kind != TypeKind::kTimestamp) {
      return user_error(
          fmt::format("event_time: field `{}` is {}, not a timestamp", field.name, to_string(field.type)));
    }
  }
  return JsonDecoder(std::make_unique<State>(std::move(spec)));
}

void JsonDecoder::prepare(Batch& batch) const {
  prepare_columns(state_->outputs, state_->spec, batch);
}

DecodeResult JsonDecoder::decode(std::string_view value) { return state_->decode(value); }

void JsonDecoder::push(Batch& batch) const { push_staged(state_->outputs, state_->staged, batch); }

const std::string& JsonDecoder::message() const { return state_->message; }

}  // namespace tidemark
