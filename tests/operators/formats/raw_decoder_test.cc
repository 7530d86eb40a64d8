// The raw format: the value as one field.
#include "operators/formats/raw_decoder.h"

#include <string>

#include "tests/operators/formats/decode_harness.h"

namespace tidemark {

TEST_CASE("A raw value becomes its one field") {
  auto bytes = RawDecoder::create(spec_of({field("data", TypeKind::kBytes)}));
  auto text = RawDecoder::create(spec_of({field("line", TypeKind::kString)}));
  REQUIRE(bytes);
  REQUIRE(text);
  Batch batch;
  bytes->prepare(batch);
  std::string record = "\xFF\x00 not utf-8";
  REQUIRE(bytes->decode(record).ok());
  bytes->push(batch);
  const std::string expected = record;
  record.assign(record.size(), '#');
  CHECK(batch.columns[0].strings.at(0) == expected);
  CHECK(batch.columns[0].valid.at(0) == 1);
  CHECK(bytes->decode("").reason == Reason::kDecode);
  CHECK(text->decode("\xFF").reason == Reason::kDecode);
  CHECK(text->message() == "the value is not UTF-8");
  CHECK(text->decode("g\xC3\xB6teborg").ok());
}

TEST_CASE("A raw schema is exactly one field of bytes or string") {
  CHECK_FALSE(RawDecoder::create(spec_of({})));
  CHECK_FALSE(RawDecoder::create(spec_of({field("a", TypeKind::kInt)})));
  CHECK_FALSE(RawDecoder::create(spec_of({field("a", TypeKind::kBytes), field("b", TypeKind::kBytes)})));
  CHECK_FALSE(RawDecoder::create(spec_of({field("a", TypeKind::kBytes, false, {"x", "y"})})));
  CHECK_FALSE(RawDecoder::create(spec_of({field("a", TypeKind::kBytes)}, 0)));
}

}  // namespace tidemark
