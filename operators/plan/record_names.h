// The names under which expressions read what a record is beside its value: `kafka.key`, `kafka.headers['x']`,
// `kafka.partition`. Finds them in a syntax tree; knows no slots and no batches.
#pragma once

#include <string>
#include <vector>

#include "operators/expr/expr.h"
#include "operators/record_fields.h"

namespace tidemark {

constexpr std::string_view kRecordName = "kafka";

// One such name that an expression reads, under the name of a field that stands for it.
struct RecordName {
  std::string name;
  RecordPart part = RecordPart::kKey;
  std::string header;
  size_t offset = 0;  // where it is first written
};

struct RecordNames {
  expr::Ast rest;                       // with the fields in their places; keys and headers as text, unless bytes are asked for
  std::vector<RecordName> names;        // without repeats
  std::vector<expr::Problem> problems;  // such as a name that records do not have
};

// What macros call `kafka` is left alone.
RecordNames find_record_names(const expr::Ast& ast);

}  // namespace tidemark
