// Each source is held against the first one. What one source must not do alone is checked by its own spec.
#include "config/resolve_sources.h"

#include <map>
#include <set>

#include <fmt/format.h>

namespace tidemark {
namespace {

std::set<std::pair<std::string_view, std::string_view>> pairs_of(const std::vector<Property>& properties) {
  std::set<std::pair<std::string_view, std::string_view>> pairs;
  for (const Property& property : properties) pairs.emplace(property.name.value, property.value.value);
  return pairs;
}

std::set<std::string_view> promised_by(const SourceSpec& source) {
  std::set<std::string_view> names;
  for (const auto& name : source.kafka().partitioned_by) names.insert(name.value);
  return names;
}

std::string type_of(const SchemaFieldSpec& field) { return to_string(field.type) + (field.nullable ? "?" : ""); }

// One consumer reads all sources, and one commit takes their offsets.
void check_reader(const SourceSpec& first, const SourceSpec& other, Diagnostics& diagnostics) {
  const auto differ = [&](const Location& where, std::string_view what) {
    diagnostics.error(where, fmt::format("the sources `{}` and `{}` differ in `{}`", first.name.value, other.name.value, what),
                      "one consumer reads all sources of a pipeline, and one commit takes their offsets: write the same for all");
  };
  const KafkaSourceSpec& a = first.kafka();
  const KafkaSourceSpec& b = other.kafka();
  if (a.brokers.value != b.brokers.value) differ(b.brokers.where, "brokers");
  if (a.group.value != b.group.value) differ(b.group.where, "group");
  if (a.fetch != b.fetch) differ(b.where, "fetch");
  if (pairs_of(a.properties) != pairs_of(b.properties)) differ(b.where, "properties");
}

void check_promise(const SourceSpec& first, const SourceSpec& other, Diagnostics& diagnostics) {
  if (promised_by(first) == promised_by(other)) return;
  diagnostics.warn(other.kafka().where,
                   fmt::format("the sources `{}` and `{}` differ in `partitioned_by`", first.name.value, other.name.value),
                   "only a promise that all sources make saves the exchange");
}

void check_schema(const SourceSpec& first, const SourceSpec& other, Diagnostics& diagnostics) {
  const std::string hint = "the sources of a pipeline have one schema; a field's `path` and how its timestamp is written may differ";
  for (const SchemaFieldSpec& field : first.schema) {
    const SchemaFieldSpec* same = other.find(field.name.value);
    if (!same) {
      diagnostics.error(other.where, fmt::format("the source `{}` lacks the field `{}` of `{}`", other.name.value, field.name.value,
                                                 first.name.value), hint);
    } else if (field.sound && same->sound && (!(field.type == same->type) || field.nullable != same->nullable)) {
      diagnostics.error(same->type_where, fmt::format("`{}` is {} here and {} in `{}`", field.name.value, type_of(*same),
                                                      type_of(field), first.name.value), hint);
    }
  }
  for (const SchemaFieldSpec& field : other.schema) {
    if (first.find(field.name.value)) continue;
    diagnostics.error(field.name.where, fmt::format("`{}` is no field of `{}`", field.name.value, first.name.value), hint);
  }
}

// A record is of one source.
void check_topics(const std::vector<SourceSpec>& sources, Diagnostics& diagnostics) {
  std::map<std::string_view, std::string_view> reader;  // by topic
  const SourceSpec* with_pattern = nullptr;
  for (const SourceSpec& source : sources) {
    for (const auto& topic : source.kafka().topics) {
      const auto [of, fresh] = reader.emplace(topic.value, source.name.value);
      if (fresh) continue;
      diagnostics.error(topic.where, fmt::format("the source `{}` reads `{}`, too", of->second, topic.value),
                        fmt::format("a record is of one source; several steps may say `from: {}`", of->second));
    }
    if (!source.kafka().topic_pattern) continue;
    if (with_pattern) {
      diagnostics.error(source.kafka().topic_pattern->where,
                        fmt::format("the source `{}` has a `topic_pattern`, too", with_pattern->name.value),
                        "write `topics` in one of them, so that it is plain which source a new topic is of");
    }
    with_pattern = &source;
  }
}

}  // namespace

void resolve_sources(const PipelineSpec& pipeline, Diagnostics& diagnostics) {
  if (pipeline.sources.size() < 2) return;
  const SourceSpec& first = pipeline.sources.front();
  if (pipeline.sources_sound) check_topics(pipeline.sources, diagnostics);
  for (size_t i = 1; i < pipeline.sources.size(); ++i) {
    const SourceSpec& other = pipeline.sources[i];
    if (first.schema_sound && other.schema_sound) check_schema(first, other, diagnostics);
    if (!pipeline.sources_sound) continue;
    check_reader(first, other, diagnostics);
    check_promise(first, other, diagnostics);
  }
}

}  // namespace tidemark
