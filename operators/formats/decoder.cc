// Chooses the alternative by the format's name. A format that is not there yet gets another answer than one that does
// not exist.
#include "operators/formats/decoder.h"

#include <fmt/format.h>

namespace tidemark {

Result<Decoder> Decoder::create(std::string_view format, DecodeSpec spec, CsvLayout csv) {
  const auto wrap = [](auto decoder) -> Result<Decoder> {
    if (!decoder) return std::unexpected(std::move(decoder.error()));
    return Decoder(Format(std::move(*decoder)));
  };
  if (format == "json") return wrap(JsonDecoder::create(std::move(spec)));
  if (format == "raw") return wrap(RawDecoder::create(std::move(spec)));
  if (format == "csv") return wrap(CsvDecoder::create(std::move(spec), std::move(csv)));
  if (format == "avro" || format == "protobuf") {
    return user_error(fmt::format("format {} cannot be read yet; use json, csv or raw", format));
  }
  return user_error(fmt::format("there is no format `{}`; the formats are json, csv and raw", format));
}

}  // namespace tidemark
