// Decoder: any of the formats that a source can read, behind one shape and without a virtual call per record. A new
// format is one more alternative here. Knows nothing of Kafka.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error.h"
#include "operators/batch.h"
#include "operators/formats/csv_decoder.h"
#include "operators/formats/decode_spec.h"
#include "operators/formats/json_decoder.h"
#include "operators/formats/raw_decoder.h"

namespace tidemark {

// For each record: decode(), then (if ok, and not in the future) push(). Usage in a loop over records:
//
//   decoder.prepare(batch);
//   decoder.visit([&](auto& format) {          // the format is chosen once per batch
//     for (const auto& record : records) {
//       const DecodeResult result = format.decode(record.value);
//       if (!result.ok()) { dead_letter(record, *result.reason, format.message()); continue; }
//       format.push(batch);
//       batch.rows += 1;
//     }
//   });
class Decoder {
 public:
  // `format` is the contract's word: "json", "csv" or "raw". The contract's other words are refused by name. `csv` is of
  // that format alone.
  static Result<Decoder> create(std::string_view format, DecodeSpec spec, CsvLayout csv = {});

  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit(std::forward<F>(f), format_);
  }
  void prepare(Batch& batch) const {
    std::visit([&](const auto& d) { d.prepare(batch); }, format_);
  }
  DecodeResult decode(std::string_view value) {
    return std::visit([&](auto& d) { return d.decode(value); }, format_);
  }
  void push(Batch& batch) const {
    std::visit([&](const auto& d) { d.push(batch); }, format_);
  }
  const std::string& message() const {
    return std::visit([](const auto& d) -> const std::string& { return d.message(); }, format_);
  }

 private:
  using Format = std::variant<JsonDecoder, RawDecoder, CsvDecoder>;
  explicit Decoder(Format format) : format_(std::move(format)) {}

  Format format_;
};

}  // namespace tidemark
