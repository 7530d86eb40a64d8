// CsvDecoder reads one CSV record at a time into the declared fields: columns by their place, values by the rules of
// JSON's numbers, times and base64, without its quotes. Knows nothing of Kafka, time or steps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "operators/batch.h"
#include "operators/formats/csv_row.h"
#include "operators/formats/decode_spec.h"
#include "operators/formats/staged_row.h"

namespace tidemark {

// Single-threaded; the same shape as JsonDecoder. `decode`: no UTF-8, no CSV, or another number of columns than the
// layout has. `type`: a text that is no value of its field's type. A null cell is null, even of a string; a quoted one
// never is.
class CsvDecoder {
 public:
  // Refuses lists, paths, and fields that the layout has no column of.
  static Result<CsvDecoder> create(DecodeSpec spec, CsvLayout layout);

  void prepare(Batch& batch) const { prepare_columns(outputs_, spec_, batch); }
  // A null or empty value is `decode`.
  DecodeResult decode(std::string_view value);
  void push(Batch& batch) const { push_staged(outputs_, staged_, batch); }
  const std::string& message() const { return message_; }

 private:
  // A declared field and where its text lies.
  struct Source {
    size_t column = 0;
    ValueKind kind = ValueKind::kString;
  };
  CsvDecoder(DecodeSpec spec, CsvLayout layout, std::vector<Source> sources);
  DecodeResult refuse(std::string message);
  bool stage(size_t field);
  std::string describe(const DeclaredField& field, const StagedField& staged) const;

  DecodeSpec spec_;
  std::vector<Source> sources_;  // by field
  size_t columns_ = 0;           // of a record
  std::string null_text_;
  std::vector<StagedOutput> outputs_;
  CsvRow row_;
  std::vector<StagedField> staged_;  // by field
  std::string decoded_;              // base64
  size_t shared_ = 0;                // fields that decode the same column, at most
  std::string message_;
};

}  // namespace tidemark
