// The aggregate functions as the reference for people lists them. Deliberately knows nothing of the rest of the language.
#pragma once

#include <string>

namespace tidemark {

// The section of docs/pipelines.md that follows the generated keys.
std::string aggregates_markdown();

}  // namespace tidemark
