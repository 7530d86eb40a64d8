// Rows of steps are JSON that the engine wrote. A record that was refused is read again by its source's schema, as far
// as its bytes allow: it may have been refused for them.
#include "daemon/pipeline_test/observed_row.h"

#include <algorithm>

#include "config/names.h"
#include "daemon/pipeline_test/observed_pipeline.h"

namespace tidemark {
namespace {

constexpr std::string_view kOurs = "tidemark.";

bool is_refused(std::string_view stream) { return stream == kLateStream || stream == kDeadLetterStream; }

Json text_or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

const std::string* header(const WrittenRecord& record, std::string_view name) {
  // Ours stand behind those that the record came with.
  for (auto at = record.headers.rbegin(); at != record.headers.rend(); ++at) {
    if (at->first == name && at->second) return &*at->second;
  }
  return nullptr;
}

void add_words(const WrittenRecord& record, bool refused, ObservedRow& row) {
  if (refused) {
    if (const std::string* reason = header(record, "tidemark.reason")) row.words.push_back({"$reason", *reason});
    const std::string* partition = header(record, "tidemark.partition");
    if (partition) row.words.push_back({"$partition", Json::parse(*partition, nullptr, false)});
  }
  row.words.push_back({"$timestamp", format_rfc3339(record.timestamp), true});
  row.words.push_back({"$key", text_or_null(record.key)});
  Json headers = Json::object();
  for (const auto& [name, value] : record.headers) headers[name] = text_or_null(value);
  row.words.push_back({"$headers", std::move(headers)});
  row.words.push_back({"$raw", text_or_null(record.value)});
}

// Instants of a step; those of a source's rows are declared as timestamps.
bool is_instant(const PipelineSpec& pipeline, const Plan& plan, std::string_view stream, const std::string& name) {
  if (const auto step = pipeline.step_number(stream)) {
    const Field* field = plan.steps[*step].output.find(name);
    return field && field->type.kind == TypeKind::kTimestamp;
  }
  const auto source = pipeline.source_number(stream);
  const SchemaFieldSpec* field = source ? pipeline.sources[*source].find(name) : nullptr;
  return field && field->type.kind == TypeKind::kTimestamp;
}

ObservedRow row_of_step(const PipelineSpec& pipeline, const Plan& plan, std::string_view stream,
                        const WrittenRecord& record) {
  ObservedRow row;
  const Json value = Json::parse(record.value.value_or("{}"));
  for (const auto& [name, field] : value.items()) {
    row.fields.push_back({name, field, is_instant(pipeline, plan, stream, name)});
  }
  return row;
}

// The cells of a line that belong to fields; none of what is no such line.
ObservedRow refused_line(const SourceSpec& source, const CsvLayout& layout, const std::string& line) {
  ObservedRow row;
  CsvRow csv(layout);
  const std::vector<std::string>& columns = layout.columns;
  if (!csv.split(line) || csv.cells().size() != (columns.empty() ? source.schema.size() : columns.size())) return row;
  for (size_t i = 0; i < source.schema.size(); ++i) {
    const SchemaFieldSpec& field = source.schema[i];
    const auto named = std::ranges::find(columns, field.path.front());
    const CsvCell& cell = csv.cells()[columns.empty() ? i : static_cast<size_t>(named - columns.begin())];
    const bool text = field.type.kind == TypeKind::kString || field.type.kind == TypeKind::kBytes;
    Json value = text ? Json() : Json::parse(cell.text, nullptr, false);
    if (text || value.is_discarded()) value = std::string(cell.text);
    if (!cell.quoted && cell.text == layout.null_text) value = nullptr;
    row.fields.push_back({field.name.value, std::move(value), field.type.kind == TypeKind::kTimestamp, field.timestamp_form});
  }
  return row;
}

ObservedRow refused_row(const PipelineSpec& pipeline, const Plan& plan, const WrittenRecord& record) {
  ObservedRow row;
  const std::string* topic = header(record, "tidemark.topic");
  const uint32_t number = topic ? plan.source_of(*topic) : 0;
  const SourceSpec& source = pipeline.sources[number];
  if (!record.value) return row;
  if (std::holds_alternative<RawFormatSpec>(source.format.kind)) {
    row.fields.push_back({source.schema.front().name.value, *record.value});
    return row;
  }
  const Json value = Json::parse(*record.value, nullptr, false);
  const bool line = std::holds_alternative<CsvFormatSpec>(source.format.kind);
  if (!value.is_object()) return line ? refused_line(source, plan.sources[number].csv, *record.value) : row;
  for (const SchemaFieldSpec& field : source.schema) {
    const Json* at = &value;
    for (const std::string& name : field.path) {
      const auto found = at && at->is_object() ? at->find(name) : value.end();
      at = at && at->is_object() && found != at->end() ? &*found : nullptr;
    }
    if (!at) continue;
    row.fields.push_back({field.name.value, *at, field.type.kind == TypeKind::kTimestamp, field.timestamp_form});
  }
  // A result row that was too large for its sink bears its key and its window.
  for (const auto& [name, field] : value.items()) {
    if (!row.find(name)) row.fields.push_back({name, field, name == "window_start" || name == "window_end"});
  }
  return row;
}

}  // namespace

const ObservedField* ObservedRow::find(std::string_view name) const {
  for (const auto* list : {&fields, &words}) {
    const auto found = std::ranges::find(*list, name, &ObservedField::name);
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

std::vector<ObservedRow> observed_rows(const PipelineSpec& pipeline, const Plan& plan, std::string_view stream,
                                       const std::vector<WrittenRecord>& written) {
  std::vector<ObservedRow> rows;
  const std::string topic = observed_topic(stream);
  const bool refused = is_refused(stream);
  for (const WrittenRecord& record : written) {
    if (record.topic != topic) continue;
    rows.push_back(refused ? refused_row(pipeline, plan, record) : row_of_step(pipeline, plan, stream, record));
    add_words(record, refused, rows.back());
  }
  return rows;
}

}  // namespace tidemark
