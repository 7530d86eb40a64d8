// What a source makes of a record: its row and its time, or why it is refused. It deliberately does not know what came
// before it, nor what becomes of the row.
#pragma once

#include <cstdint>
#include <string>

#include "tests/oracle/oracle.h"

namespace tidemark::oracle {

struct Decoded {
  Row row;  // its fields in the order of the pipeline's first source
  int64_t event_us = 0;
  std::string reason;  // empty: fit to pass on
};

Decoded decode(const Pipeline& pipeline, const Source& source, const Record& record);

}  // namespace tidemark::oracle
