// Key bytes: equal keys and only they have equal bytes, numbers sort as they are, and foreign bytes are refused.
#include "operators/key_codec.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "tests/catch.h"

namespace tidemark {
namespace {

std::unique_ptr<Batch> batch_of(const std::vector<Type>& types, uint32_t rows) {
  auto batch = std::make_unique<Batch>();
  batch->rows = rows;
  for (const Type& t : types) batch->columns.emplace_back().reset(t, rows);
  return batch;
}

std::vector<std::string> encode(Batch& batch) {
  std::vector<uint32_t> rows(batch.rows);
  std::vector<uint32_t> slots(batch.columns.size());
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = i;
  for (uint32_t i = 0; i < slots.size(); ++i) slots[i] = i;
  KeyedRows keyed;
  encode_keys(batch, rows, slots, batch.arena, keyed);
  std::vector<std::string> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(keyed.hashes[i] == hash_key(keyed.keys[i]));
    out.emplace_back(keyed.keys[i]);
  }
  return out;
}

std::string encode_double(double v) {
  auto batch = batch_of({TypeKind::kDouble}, 1);
  batch->columns[0].valid[0] = 1;
  batch->columns[0].doubles[0] = v;
  return encode(*batch)[0];
}

const std::vector<Type> kAllTypes = {TypeKind::kString, TypeKind::kBool,      TypeKind::kInt,      TypeKind::kUint,
                                     TypeKind::kDouble, TypeKind::kTimestamp, TypeKind::kDuration, TypeKind::kBytes};

void fill_random(std::mt19937_64& rng, Column& c, uint32_t row) {
  static const int64_t kInts[] = {0, -1, 1, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  static const double kDoubles[] = {0.0, 1.5, -1.5, std::numeric_limits<double>::infinity(), 5e-324};
  static const std::string kTexts[] = {"", "a", std::string("a\0b", 3), "\x01", std::string(200, 'x')};
  c.valid[row] = rng() % 4 != 0;
  if (!c.bools.empty()) c.bools[row] = rng() % 2;
  if (!c.ints.empty()) c.ints[row] = kInts[rng() % 5];
  if (!c.doubles.empty()) c.doubles[row] = kDoubles[rng() % 5];
  if (!c.strings.empty()) c.strings[row] = kTexts[rng() % 5];
}

// The values of a row in words, so that rows can be compared without the codec.
std::string describe(const Batch& b, uint32_t row) {
  std::string out;
  for (const Column& c : b.columns) {
    out += "|";
    if (!c.valid[row]) {
      out += "null";
      continue;
    }
    if (!c.bools.empty()) out += std::to_string(c.bools[row]);
    if (!c.ints.empty()) out += std::to_string(c.ints[row]);
    if (!c.doubles.empty()) out += std::to_string(std::bit_cast<uint64_t>(c.doubles[row]));
    if (!c.strings.empty()) out += std::to_string(c.strings[row].size()) + ":" + std::string(c.strings[row]);
  }
  return out;
}

}  // namespace

TEST_CASE("keys of any types come back, and equal bytes mean equal keys") {
  std::mt19937_64 rng(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Type> types;
    for (size_t n = rng() % 4; n > 0; --n) types.push_back(kAllTypes[rng() % kAllTypes.size()]);
    auto batch = batch_of(types, 40);
    for (Column& c : batch->columns) {
      for (uint32_t row = 0; row < batch->rows; ++row) fill_random(rng, c, row);
    }
    const auto keys = encode(*batch);
    std::map<std::string, std::string> by_key;
    std::map<std::string, std::string> by_value;
    auto decoded = batch_of(types, batch->rows);
    for (uint32_t row = 0; row < batch->rows; ++row) {
      REQUIRE(decode_key(keys[row], types, decoded->columns, row));
      REQUIRE(describe(*decoded, row) == describe(*batch, row));
      REQUIRE(by_key.try_emplace(keys[row], describe(*batch, row)).first->second == describe(*batch, row));
      REQUIRE(by_value.try_emplace(describe(*batch, row), keys[row]).first->second == keys[row]);
    }
  }
}

TEST_CASE("numbers sort by their bytes, every NaN is one key and so are the zeros") {
  const double ascending[] = {-std::numeric_limits<double>::infinity(), -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1e300,
                              std::numeric_limits<double>::infinity()};
  for (size_t i = 1; i < std::size(ascending); ++i) CHECK(encode_double(ascending[i - 1]) < encode_double(ascending[i]));
  CHECK(encode_double(-0.0) == encode_double(0.0));
  CHECK(encode_double(std::nan("1")) == encode_double(-std::nan("77")));
  CHECK(encode_double(std::nan("1")) > encode_double(std::numeric_limits<double>::infinity()));
  auto batch = batch_of({TypeKind::kInt, TypeKind::kUint}, 4);
  const int64_t ints[] = {std::numeric_limits<int64_t>::min(), -1, 0, 5};
  for (uint32_t i = 0; i < 4; ++i) {
    batch->columns[0].valid[i] = 1;
    batch->columns[0].ints[i] = ints[i];
  }
  const auto keys = encode(*batch);
  CHECK(std::ranges::is_sorted(keys));
}

TEST_CASE("a null key sorts first and differs from an empty text; no fields are one key") {
  auto batch = batch_of({TypeKind::kString}, 2);
  batch->columns[0].valid[1] = 1;
  batch->columns[0].strings[1] = "";
  const auto keys = encode(*batch);
  CHECK(keys[0] < keys[1]);
  auto none = batch_of({}, 2);
  const auto global = encode(*none);
  CHECK(global[0].empty());
  CHECK(global[1].empty());
  CHECK(decode_key("", {}, {}, 0));
}

// These bytes lie in checkpoints and decide lanes: they never change under one version of the state format.
TEST_CASE("the bytes, hashes and lanes of keys stay as they are") {
  auto batch = batch_of({TypeKind::kString, TypeKind::kInt, TypeKind::kBool, TypeKind::kString}, 1);
  for (Column& c : batch->columns) c.valid[0] = 1;
  batch->columns[0].strings[0] = "ab";
  batch->columns[1].ints[0] = 258;
  batch->columns[2].bools[0] = 1;
  batch->columns[3].strings[0] = "c";
  const std::string expected("\x01\x02" "ab" "\x01\x80\0\0\0\0\0\x01\x02" "\x01\x01" "\x01" "c", 17);
  CHECK(encode(*batch)[0] == expected);
  CHECK(hash_key("") == 0x2d06800538d394c2);
  CHECK(lane_of(0x2d06800538d394c2, 32) == 5);
  CHECK(lane_of(~uint64_t{0}, 32) == 31);
  CHECK(lane_of(0, 32) == 0);
}

TEST_CASE("bytes that no key has are refused") {
  const std::vector<Type> types = {TypeKind::kString, TypeKind::kBool, TypeKind::kDouble};
  auto batch = batch_of(types, 1);
  for (Column& c : batch->columns) c.valid[0] = 1;
  batch->columns[0].strings[0] = "key";
  batch->columns[2].doubles[0] = 2.5;
  const std::string good = encode(*batch)[0];
  auto out = batch_of(types, 1);
  REQUIRE(decode_key(good, types, out->columns, 0));
  for (size_t n = 0; n < good.size(); ++n) CHECK_FALSE(decode_key(good.substr(0, n), types, out->columns, 0));
  CHECK_FALSE(decode_key(good + "x", types, out->columns, 0));
  CHECK_FALSE(decode_key("\x02" + good.substr(1), types, out->columns, 0));
  std::string odd_bool = good;
  odd_bool[6] = 7;
  CHECK_FALSE(decode_key(odd_bool, types, out->columns, 0));
  const std::string negative_zero("\x01\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
  const std::vector<Type> one_double = {TypeKind::kDouble};
  auto single = batch_of(one_double, 1);
  CHECK_FALSE(decode_key(negative_zero, one_double, single->columns, 0));
}

TEST_CASE("places of results sort by window_start and then by the key's fields: nulls first, text by bytes") {
  struct Row {
    int64_t start;
    std::optional<std::string> text;
    std::optional<int64_t> number;
    auto operator<=>(const Row&) const = default;
  };
  const std::vector<std::optional<std::string>> texts = {std::nullopt, "", std::string(1, '\0'), std::string("\0\xff", 2), "a", std::string("a\0", 2),
                                                         std::string("a\0b", 3), "ab", "b", "\xff"};
  std::vector<Row> rows;
  for (const int64_t start : {-5, 0, 3}) {
    for (const auto& text : texts) {
      for (const std::optional<int64_t> number : {std::optional<int64_t>(), std::optional<int64_t>(-7), std::optional<int64_t>(2)}) {
        rows.push_back({start, text, number});
      }
    }
  }
  auto batch = batch_of({TypeKind::kString, TypeKind::kInt, TypeKind::kTimestamp}, static_cast<uint32_t>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    batch->columns[0].valid[i] = rows[i].text.has_value();
    if (rows[i].text) batch->columns[0].strings[i] = *rows[i].text;
    batch->columns[1].valid[i] = rows[i].number.has_value();
    batch->columns[1].ints[i] = rows[i].number.value_or(0);
    batch->columns[2].valid[i] = 1;
    batch->columns[2].ints[i] = rows[i].start;
  }
  encode_places(*batch, 2);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) CHECK((batch->places[i] < batch->places[j]) == (rows[i] < rows[j]));
  }
  // These bytes lie in checkpoints.
  const auto at = std::ranges::find_if(rows, [](const Row& r) { return r.start == 3 && r.text == std::string("a\0", 2) && r.number == -7; }) - rows.begin();
  CHECK(batch->places[static_cast<size_t>(at)] ==
        std::string_view("\x01\x80\0\0\0\0\0\0\x03" "\x01" "a\0\xff\0\0" "\x01\x7f\xff\xff\xff\xff\xff\xff\xf9", 24));
}

}  // namespace tidemark
