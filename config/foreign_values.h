// What people write elsewhere where a duration or a size is wanted, and what that would be here. Only suggestions: nothing
// written like this is ever taken.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

// "did you mean `1m`?" for `1 minute`, `INTERVAL '1' MINUTE`, `PT1M`; which unit for a bare number; else nothing.
std::string duration_hint(std::string_view text);
// "did you mean `512MiB`?" for `512mb` and `512M`; else nothing.
std::string size_hint(std::string_view text);

}  // namespace tidemark
