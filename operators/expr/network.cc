// The functions of CEL's network extension. Addresses are read and written by the C library.
#include "operators/expr/network.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "operators/expr/row_functions.h"

namespace tidemark::expr {
namespace {

using Shapes = std::span<const Shape>;
using Values = std::span<const Value>;

constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);  // how IPv6 writes IPv4 addresses

unsigned byte_at(std::string_view address, size_t i) { return static_cast<unsigned char>(address[i]); }
bool is_v4(std::string_view address) { return address.size() == 4; }

// 4 or 16 bytes. An IPv4 address inside of an IPv6 one counts as the former; in its dotted form it is none.
std::optional<std::string> parse_address(std::string_view text) {
  const std::string z(text);
  if (z.find('\0') != std::string::npos) return std::nullopt;
  std::string bytes(4, '\0');
  if (inet_pton(AF_INET, z.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(16);
  const bool dotted = z.find('.') != std::string::npos;
  if (dotted || inet_pton(AF_INET6, z.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes.starts_with(kMapped) ? bytes.substr(12) : bytes;
}

// The address and a byte of its length.
std::optional<std::string> parse_range(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto bytes = parse_address(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool number = failed == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
  if (!bytes || !number || length > bytes->size() * 8) return std::nullopt;
  bytes->push_back(static_cast<char>(length));
  return bytes;
}

void append_address(std::string_view bytes, std::string& out) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(is_v4(bytes) ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  out += text;
}

std::string_view address_of(const Value& range) { return range.text().substr(0, range.text().size() - 1); }
unsigned length_of(const Value& range) { return byte_at(range.text(), range.text().size() - 1); }

// All bits behind the first `length` cleared.
std::string masked(std::string_view address, unsigned length) {
  std::string out(address);
  for (size_t i = 0; i < out.size(); ++i) {
    const unsigned kept = length > i * 8 ? std::min<unsigned>(8, length - static_cast<unsigned>(i) * 8) : 0;
    out[i] = static_cast<char>(byte_at(out, i) & (0xff00U >> kept & 0xff));
  }
  return out;
}

Value failed(std::string_view what, std::string_view text, RowContext& context) {
  return context.fail(fmt::format("{:?} is no {}", std::string(text.substr(0, 60)), what));
}

Value address_value(std::string_view text, RowContext& context) {
  const auto bytes = parse_address(text);
  if (!bytes) return failed("IP address", text, context);
  return Value::of_text(Kind::kIp, context.scratch().copy(*bytes));
}

Value range_value(std::string_view text, RowContext& context) {
  const auto bytes = parse_range(text);
  if (!bytes) return failed("CIDR range", text, context);
  return Value::of_text(Kind::kCidr, context.scratch().copy(*bytes));
}

// The operand as `kind`, which a string may write too.
Value operand_as(Kind kind, const Value& value, RowContext& context) {
  if (value.kind() == kind || value.kind() != Kind::kString) return value;
  return kind == Kind::kIp ? address_value(value.text(), context) : range_value(value.text(), context);
}

template <Kind From, Kind To>
std::optional<Shape> one(Shapes args) {
  return fits(args[0], From) ? std::optional(Shape(To)) : std::nullopt;
}

template <Kind Other>
std::optional<Shape> range_and(Shapes args) {
  const bool other = fits(args[1], Other) || fits(args[1], Kind::kString);
  return fits(args[0], Kind::kCidr) && other ? std::optional(Shape(Kind::kBool)) : std::nullopt;
}

Value ip(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kString) return no_overload("ip", args, context);
  return address_value(args[0].text(), context);
}

Value cidr(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kString) return no_overload("cidr", args, context);
  return range_value(args[0].text(), context);
}

Value is_ip(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kString) return no_overload("isIP", args, context);
  return Value::of_bool(parse_address(args[0].text()).has_value());
}

Value is_cidr(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kString) return no_overload("isCIDR", args, context);
  return Value::of_bool(parse_range(args[0].text()).has_value());
}

Value is_canonical(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kString) return no_overload("ip.isCanonical", args, context);
  const auto bytes = parse_address(args[0].text());
  if (!bytes) return failed("IP address", args[0].text(), context);
  std::string text;
  append_address(*bytes, text);
  return Value::of_bool(text == args[0].text());
}

using Address = std::string_view;

bool is_unspecified(Address a) { return a.find_first_not_of('\0') == Address::npos; }
bool is_loopback(Address a) {
  if (is_v4(a)) return byte_at(a, 0) == 127;
  return is_unspecified(a.substr(0, 15)) && byte_at(a, 15) == 1;
}
bool is_multicast(Address a) { return is_v4(a) ? (byte_at(a, 0) & 0xf0) == 0xe0 : byte_at(a, 0) == 0xff; }
bool is_link_local_multicast(Address a) {
  if (is_v4(a)) return a.starts_with(Address("\xe0\0\0", 3));
  return byte_at(a, 0) == 0xff && (byte_at(a, 1) & 0x0f) == 0x02;
}
bool is_link_local_unicast(Address a) {
  if (is_v4(a)) return byte_at(a, 0) == 169 && byte_at(a, 1) == 254;
  return byte_at(a, 0) == 0xfe && (byte_at(a, 1) & 0xc0) == 0x80;
}
bool is_global_unicast(Address a) {
  const bool broadcast = is_v4(a) && a.find_first_not_of('\xff') == Address::npos;
  return !broadcast && !is_unspecified(a) && !is_loopback(a) && !is_multicast(a) && !is_link_local_unicast(a);
}

template <auto Test>
Value test(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kIp) return no_overload("a test of addresses", args, context);
  return Value::of_bool(Test(args[0].text()));
}

Value family(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kIp) return no_overload("family", args, context);
  return Value::of_int(is_v4(args[0].text()) ? 4 : 6);
}

bool contains(const Value& range, Address address, unsigned length) {
  const Address own = address_of(range);
  if (own.size() != address.size() || length < length_of(range)) return false;
  return masked(own, length_of(range)) == masked(address, length_of(range));
}

Value contains_ip(Values args, RowContext& context) {
  const Value other = operand_as(Kind::kIp, args[1], context);
  if (other.is_error()) return other;
  if (args[0].kind() != Kind::kCidr || other.kind() != Kind::kIp) return no_overload("containsIP", args, context);
  return Value::of_bool(contains(args[0], other.text(), static_cast<unsigned>(other.text().size() * 8)));
}

Value contains_cidr(Values args, RowContext& context) {
  const Value other = operand_as(Kind::kCidr, args[1], context);
  if (other.is_error()) return other;
  if (args[0].kind() != Kind::kCidr || other.kind() != Kind::kCidr) return no_overload("containsCIDR", args, context);
  return Value::of_bool(contains(args[0], address_of(other), length_of(other)));
}

Value ip_of_range(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kCidr) return no_overload("ip", args, context);
  return Value::of_text(Kind::kIp, address_of(args[0]));
}

Value masked_range(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kCidr) return no_overload("masked", args, context);
  std::string bytes = masked(address_of(args[0]), length_of(args[0]));
  bytes.push_back(static_cast<char>(length_of(args[0])));
  return Value::of_text(Kind::kCidr, context.scratch().copy(bytes));
}

Value prefix_length(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kCidr) return no_overload("prefixLength", args, context);
  return Value::of_int(length_of(args[0]));
}

}  // namespace

void append_network(const Value& value, std::string& out) {
  if (value.kind() == Kind::kIp) return append_address(value.text(), out);
  append_address(address_of(value), out);
  out += "/" + std::to_string(length_of(value));
}

std::vector<RowFunction> network_functions() {
  using enum Kind;
  return {
      {"ip", 1, 1, true, false, one<kString, kIp>, ip},
      {"ip", 1, 1, false, true, one<kCidr, kIp>, ip_of_range},
      {"cidr", 1, 1, true, false, one<kString, kCidr>, cidr},
      {"isIP", 1, 1, true, false, one<kString, kBool>, is_ip},
      {"isCIDR", 1, 1, true, false, one<kString, kBool>, is_cidr},
      {"ip.isCanonical", 1, 1, true, false, one<kString, kBool>, is_canonical},
      {"family", 1, 1, false, true, one<kIp, kInt>, family},
      {"isUnspecified", 1, 1, false, true, one<kIp, kBool>, test<is_unspecified>},
      {"isLoopback", 1, 1, false, true, one<kIp, kBool>, test<is_loopback>},
      {"isGlobalUnicast", 1, 1, false, true, one<kIp, kBool>, test<is_global_unicast>},
      {"isLinkLocalMulticast", 1, 1, false, true, one<kIp, kBool>, test<is_link_local_multicast>},
      {"isLinkLocalUnicast", 1, 1, false, true, one<kIp, kBool>, test<is_link_local_unicast>},
      {"containsIP", 2, 2, false, true, range_and<kIp>, contains_ip},
      {"containsCIDR", 2, 2, false, true, range_and<kCidr>, contains_cidr},
      {"masked", 1, 1, false, true, one<kCidr, kCidr>, masked_range},
      {"prefixLength", 1, 1, false, true, one<kCidr, kInt>, prefix_length},
  };
}

}  // namespace tidemark::expr
