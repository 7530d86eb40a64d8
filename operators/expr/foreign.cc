// Tables from words, in small letters, to hints: which one is asked depends on where parser or checker met the word.
// What stands in no table gets no hint; nothing is guessed here.
#include "operators/expr/foreign.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace tidemark::expr {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kTernary = "write `condition ? a : b`";
constexpr std::string_view kNoClock = "results follow from the records alone, never from the clock; take a field that holds the time";

constexpr Pair kWords[] = {
    {"and", "write `&&`"},
    {"or", "write `||`"},
    {"xor", "write `a != b`"},
    {"not", "write `!`, as in `!(x in [1, 2])`"},
    {"in", "write `in`, in small letters"},
    {"is", "write `has(x)`, `x == null` or `x != null`"},
    {"eq", "write `==`"},
    {"ne", "write `!=`"},
    {"lt", "write `<`"},
    {"gt", "write `>`"},
    {"div", "write `/`"},
    {"mod", "write `%`"},
    {"like", "write `x.contains('...')`, `x.startsWith('...')` or `x.matches('...')`"},
    {"ilike", "write `x.lowerAscii().contains('...')` or `x.matches('(?i)...')`"},
    {"rlike", "write `x.matches('...')`"},
    {"regexp", "write `x.matches('...')`"},
    {"between", "write `x >= a && x <= b`"},
    {"where", "write `.where(condition)` behind an aggregate"},
    {"filter", "write `.where(condition)` behind an aggregate"},
    {"over", "the window says over what: write the aggregate alone"},
    {"group", "the window's `by` says by what"},
    {"order", "`first`, `last` and `list` go by event time, `arg_min` and `arg_max` by a field"},
    {"as", "a result's name stands before its `:`; types are converted as in `double(x)`"},
    {"when", kTernary},
    {"then", kTernary},
    {"else", kTernary},
    {"if", kTernary},
};

constexpr Pair kBehindWords[] = {
    {"not", "write `!`, as in `!x`"},
    {"interval", "write `duration('60s')`"},
    {"timestamp", "write `timestamp('2026-01-01T00:00:00Z')`"},
    {"date", "write `timestamp('2026-01-01T00:00:00Z')`"},
    {"case", kTernary},
    {"distinct", "write `distinct(x)`, an aggregate of its own"},
    {"all", "leave `all` out"},
    {"let", "make the value a field in a `map` step before"},
    {"select", "write the expression alone"},
};

constexpr Pair kFunctions[] = {
    {"array_contains", "write `x in list`"},
    {"boolean", "write `x == 'true'`, or `bool(x)` of text"},
    {"case", kTernary},
    {"cast", "write the type as a function: `double(x)`"},
    {"char_length", "write `size(x)`"},
    {"concat", "write `a + b`"},
    {"contains", "write `x.contains('...')`"},
    {"convert", "write the type as a function: `double(x)`"},
    {"current_timestamp", kNoClock},
    {"date_format", "times have parts: `x.getFullYear()`, `x.getHours()`"},
    {"date_trunc", "a `window` step cuts time into pieces; a timestamp has parts, such as `x.getHours()`"},
    {"day", "write `x.getDate()`"},
    {"defined", "write `has(x)`"},
    {"element_at", "write `list[0]`"},
    {"exists", "write `has(x)`"},
    {"extract", "times have parts: `x.getFullYear()`, `x.getHours()`"},
    {"float", "write `double(x)`"},
    {"float64", "write `double(x)`"},
    {"from_unixtime", "write `timestamp(x)`, of seconds"},
    {"header", "write `kafka.headers['name']`"},
    {"hour", "write `x.getHours()`"},
    {"hop", "that is a `window` step with `sliding: {size: 5m, step: 1m}`"},
    {"if", kTernary},
    {"iff", kTernary},
    {"ifnull", "write `coalesce(x, y)`"},
    {"iif", kTernary},
    {"int64", "write `int(x)`"},
    {"integer", "write `int(x)`"},
    {"is_null", "write `x == null`, or `!has(x)`"},
    {"isnull", "write `x == null`, or `!has(x)`"},
    {"isset", "write `has(x)`"},
    {"json_extract", "declare the field in the schema, with its path: `city: {type: string, path: address.city}`"},
    {"json_value", "declare the field in the schema, with its path: `city: {type: string, path: address.city}`"},
    {"lcase", "write `x.lowerAscii()`"},
    {"len", "write `size(x)`"},
    {"length", "write `size(x)`"},
    {"like", "write `x.contains('...')` or `x.matches('...')`"},
    {"long", "write `int(x)`"},
    {"lower", "write `x.lowerAscii()`"},
    {"lowercase", "write `x.lowerAscii()`"},
    {"minute", "write `x.getMinutes()`"},
    {"meta", "a record's header is written `kafka.headers['name']`; there are kafka.key, kafka.topic, ... too"},
    {"metadata", "a record's header is written `kafka.headers['name']`; there are kafka.key, kafka.topic, ... too"},
    {"mod", "write `a % b`"},
    {"month", "write `x.getMonth()`, which counts from 0"},
    {"not", "write `!x`"},
    {"now", kNoClock},
    {"nullif", "write `x == y ? null : x`"},
    {"number", "write `double(x)`"},
    {"nvl", "write `coalesce(x, y)`"},
    {"parse_json", "declare the fields in the schema, each with its path"},
    {"pow", "write `x * x`; there are no powers"},
    {"power", "write `x * x`; there are no powers"},
    {"rand", "results follow from the records alone, never from chance"},
    {"random", "results follow from the records alone, never from chance"},
    {"regexp_like", "write `x.matches('...')`"},
    {"regexp_match", "write `x.matches('...')`"},
    {"session", "session windows are not supported yet"},
    {"starts_with", "write `x.startsWith('...')`"},
    {"str", "write `string(x)`"},
    {"strlen", "write `size(x)`"},
    {"substr", "write `x.substring(from, to)`, counted from 0"},
    {"to_string", "write `string(x)`"},
    {"to_timestamp", "write `timestamp(x)`"},
    {"tolower", "write `x.lowerAscii()`"},
    {"toupper", "write `x.upperAscii()`"},
    {"try_cast", "write the type as a function: `double(x)`"},
    {"tumble", "that is a `window` step with `tumbling: 1m`"},
    {"ucase", "write `x.upperAscii()`"},
    {"upper", "write `x.upperAscii()`"},
    {"uppercase", "write `x.upperAscii()`"},
    {"uuid", "results follow from the records alone, never from chance"},
    {"year", "write `x.getFullYear()`"},
};

constexpr Pair kMethods[] = {
    {"catch", "write `coalesce(x, y)` for what may be null"},
    {"exists_all", "write `list.all(x, condition)`"},
    {"float", "write `double(x)`"},
    {"get", "write `x[key]`"},
    {"has_prefix", "write `x.startsWith('...')`"},
    {"has_suffix", "write `x.endsWith('...')`"},
    {"includes", "write `x.contains('...')`"},
    {"len", "write `x.size()`"},
    {"length", "write `x.size()`"},
    {"lower", "write `x.lowerAscii()`"},
    {"lowercase", "write `x.lowerAscii()`"},
    {"match", "write `x.matches('...')`"},
    {"number", "write `double(x)`"},
    {"re_match", "write `x.matches('...')`"},
    {"regex", "write `x.matches('...')`"},
    {"string", "write `string(x)`"},
    {"strip", "write `x.trim()`"},
    {"to_lower", "write `x.lowerAscii()`"},
    {"tolower", "write `x.lowerAscii()`"},
    {"tolowercase", "write `x.lowerAscii()`"},
    {"tostring", "write `string(x)`"},
    {"touppercase", "write `x.upperAscii()`"},
    {"upper", "write `x.upperAscii()`"},
    {"uppercase", "write `x.upperAscii()`"},
};

constexpr Pair kNames[] = {
    {"null", "write `null`"}, {"none", "write `null`"},   {"nil", "write `null`"},  {"undefined", "write `null`"},
    {"true", "write `true`"}, {"false", "write `false`"}, {"nan", "write `double('NaN')`"},
    {"current_timestamp", kNoClock},
};

std::string find(std::span<const Pair> table, std::string_view word) {
  std::string low(word);
  for (char& c : low) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto found = std::ranges::find(table, low, &Pair::first);
  return found == table.end() ? std::string() : std::string(found->second);
}

bool is_quote(std::string_view text) { return text.ends_with('\'') || text.ends_with('"'); }

}  // namespace

std::string hint_for_word(std::string_view word) { return word == "in" ? std::string() : find(kWords, word); }

std::string hint_behind_word(std::string_view word) { return find(kBehindWords, word); }

std::string hint_for_pair(std::string_view first, std::string_view second) {
  if (first == "<" && second == ">") return "write `!=`";
  if (first == "(" && second == "*") return "`count()` counts rows";
  if (first == ":" && second == ":") return "types are converted as in `double(x)`";
  if (first == "?" && second == "?") return "write `coalesce(x, y)`";
  if (first == "*" && second == "*") return "write `x * x`; there are no powers";
  if (is_quote(first) && is_quote(second)) return "a quote inside of quotes is written `\\'` or `\\\"`";
  return {};
}

std::string hint_for_character(std::string_view rest) {
  constexpr std::string_view kAlone = "a field is written by its name alone";
  if (rest.starts_with("=~") || rest.starts_with("~")) return "write `x.matches('...')`";
  if (rest.starts_with("=>")) return "write the name and the expression as arguments: `list.map(x, x + 1)`";
  if (rest.starts_with("=")) return "write `==` to compare";
  if (rest.starts_with("&")) return "write `&&`";
  if (rest.starts_with("|")) return "write `||`";
  if (rest.starts_with("$") || rest.starts_with("@")) return std::string(kAlone);
  if (rest.starts_with("#")) return "a comment begins with `//`";
  if (rest.starts_with(";")) return "an expression has no end mark";
  return {};
}

std::string hint_for_function(std::string_view name, bool receiver) {
  return receiver ? find(kMethods, name) : find(kFunctions, name);
}

bool names_the_record(std::string_view name) {
  constexpr std::string_view kNames[] = {"this",  "self",  "root", "value",   "row", "record",
                                         "event", "source", "doc",  "payload", "msg", "message"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

std::string hint_for_name(std::string_view name) { return find(kNames, name); }

}  // namespace tidemark::expr
