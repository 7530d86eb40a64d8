// Every column is cut, and every declared one read, whatever was wrong before it: the verdict is of the record as a whole.
#include "operators/formats/csv_decoder.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

namespace tidemark {
namespace {

constexpr size_t kLargeScratch = size_t{2} << 20;
constexpr size_t kShown = 40;  // bytes of a value that a message shows

std::string shown(std::string_view text) {
  if (text.size() <= kShown) return std::string(text);
  size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

Result<CsvDecoder> CsvDecoder::create(DecodeSpec spec, CsvLayout layout) {
  std::vector<Source> sources;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    const DeclaredField& field = spec.fields[i];
    const auto kind = value_kind(field.type, field.unit);
    if (!kind || *kind == ValueKind::kList) {
      return user_error(fmt::format("field `{}`: format csv has no type {}", field.name, to_string(field.type)));
    }
    if (field.path.size() > 1) return user_error(fmt::format("field `{}`: format csv has no paths", field.name));
    if (layout.columns.empty()) {
      sources.push_back({i, *kind});
      continue;
    }
    const std::string& name = field.path.empty() ? field.name : field.path.front();
    const auto column = std::ranges::find(layout.columns, name);
    if (column == layout.columns.end()) return user_error(fmt::format("field `{}`: there is no column `{}`", field.name, name));
    sources.push_back({static_cast<size_t>(column - layout.columns.begin()), *kind});
  }
  return CsvDecoder(std::move(spec), std::move(layout), std::move(sources));
}

CsvDecoder::CsvDecoder(DecodeSpec spec, CsvLayout layout, std::vector<Source> sources)
    : spec_(std::move(spec)),
      sources_(std::move(sources)),
      columns_(layout.columns.empty() ? sources_.size() : layout.columns.size()),
      null_text_(layout.null_text),
      outputs_(outputs_of(spec_)),
      row_(layout),
      staged_(spec_.fields.size()) {
  std::vector<size_t> readers(columns_);
  for (const Source& source : sources_) {
    if (source.kind == ValueKind::kBytes) shared_ = std::max(shared_, ++readers[source.column]);
  }
}

DecodeResult CsvDecoder::refuse(std::string message) {
  message_ = std::move(message);
  return {.reason = Reason::kDecode, .event_time = std::nullopt};
}

DecodeResult CsvDecoder::decode(std::string_view value) {
  if (value.empty()) return refuse("the value is null or empty");
  if (value.starts_with("\xEF\xBB\xBF")) return refuse("the value begins with a byte-order mark");
  if (!simdjson::validate_utf8(value.data(), value.size())) return refuse("the value is not UTF-8");
  if (!row_.split(value)) return refuse(row_.problem());
  if (row_.cells().size() != columns_) {
    const size_t found = row_.cells().size();
    return refuse(fmt::format("the record has {} column{}, not {}", found, found == 1 ? "" : "s", columns_));
  }
  if (decoded_.capacity() > kLargeScratch && value.size() <= kLargeScratch) std::string().swap(decoded_);
  decoded_.clear();
  decoded_.reserve(value.size() * shared_);  // so that views into it stay valid
  bool all_have_values = true;
  for (size_t field = 0; field < sources_.size(); ++field) all_have_values &= stage(field);
  const auto words = [this](const DeclaredField& field, const StagedField& staged) { return describe(field, staged); };
  return judge_staged(spec_, staged_, all_have_values, words, message_);
}

// Reads a field's cell; whether it has a value.
bool CsvDecoder::stage(size_t field) {
  const CsvCell& cell = row_.cells()[sources_[field].column];
  StagedField& staged = staged_[field];
  if (!cell.quoted && cell.text == null_text_) {
    staged.found = StagedField::Found::kNull;
    return false;
  }
  staged.outcome = read_bare(sources_[field].kind, cell.text, decoded_, staged.value);
  const bool good = staged.outcome == ReadOutcome::kValue;
  staged.found = good ? StagedField::Found::kValue : StagedField::Found::kProblem;
  return good;
}

std::string CsvDecoder::describe(const DeclaredField& field, const StagedField& staged) const {
  const size_t number = static_cast<size_t>(&staged - staged_.data());
  const size_t column = sources_[number].column;
  if (staged.found == StagedField::Found::kNull) return fmt::format("field `{}` is null (column {})", field.name, column + 1);
  const std::string text = shown(row_.cells()[column].text);
  const std::string type = written_type(field);
  if (staged.outcome == ReadOutcome::kWrongKind) {
    return fmt::format("field `{}` is '{}', not {} (column {})", field.name, text, type, column + 1);
  }
  return fmt::format("field `{}` {}, not {}: '{}' (column {})", field.name, tidemark::describe(staged.outcome), type, text,
                     column + 1);
}

}  // namespace tidemark
