// What names may look like: of pipelines and steps, of fields, of Kafka topics. Knows only the rules, not the maps in
// which the names stand.
#pragma once

#include <string>
#include <string_view>

#include "config/spec.h"

namespace tidemark {

// Pipelines, sources, steps and sinks: safe in Kafka's group and transaction names, in paths and in metric labels.
kinds::TextRules name_rules();
// Fields: what an expression can say. A word that CEL reserves is refused, with the renaming that helps.
kinds::TextRules field_rules();
kinds::TextRules topic_rules();

// The streams that exist without being written.
inline constexpr std::string_view kLateStream = "late";
inline constexpr std::string_view kDeadLetterStream = "dead_letter";

}  // namespace tidemark
