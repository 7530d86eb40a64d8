#include "operators/aggregates/value_kinds.h"

#include <fmt/core.h>

namespace tidemark {

std::unexpected<Error> refuse_argument(std::string_view signature, std::string_view takes, const Type& got) {
  return user_error(fmt::format("{} takes {}, not {}", signature, takes, to_string(got)));
}

}  // namespace tidemark
