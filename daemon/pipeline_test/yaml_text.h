// Values as YAML in one line, as tests write rows: for messages, and for what is written into a file. Knows no rows.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "config/yaml.h"

namespace tidemark {

// Quoted only where that is needed inside of `{}`; a text that would be read as something else is.
std::string yaml_scalar(std::string_view text);
std::string yaml_flow(const nlohmann::ordered_json& value);
std::string yaml_flow(const Node& node);

}  // namespace tidemark
