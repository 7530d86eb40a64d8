// What the specs say about themselves: the JSON Schema of the pipeline file for editors, and the reference for people.
// Both are generated; it deliberately knows no word of the language itself.
#pragma once

#include <string>

namespace tidemark {

// JSON Schema, draft 2020-12, indented, with a line end.
std::string json_schema();
// The body of docs/pipelines.md.
std::string reference_markdown();

}  // namespace tidemark
