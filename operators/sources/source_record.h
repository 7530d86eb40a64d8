// One record as a source delivers it. Knows no decoding and no client.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace tidemark {

// Views live as long as the call that hands it over.
struct SourceRecord {
  int64_t offset = 0;
  Time timestamp = Time::min();  // Time::min(): none
  std::string_view key;
  std::string_view value;
  bool key_is_null = true;
  bool value_is_null = true;
};

}  // namespace tidemark
