// Lists in rows: read from JSON strictly, walked by macros, made by maps, written back; and where none may stand.
#include "tests/catch.h"
#include "tests/operators/transforms/stage_kit.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

const std::string kTags = "schema: {tags: 'list<string>?', n: int}";

TEST_CASE("a list of the schema passes as it is, in the form of all output") {
  CHECK(rows_of(kTags, "- filter: n > 0", {{R"({"n":1, "tags":[ "a", "\u00e5" ]})"}, {R"({"n":1,"tags":[]})"}, {R"({"n":1,"tags":null})"}, {R"({"n":1})"}}) ==
        Lines{"{\"tags\":[\"a\",\"\xC3\xA5\"],\"n\":1}", R"({"tags":[],"n":1})", R"({"tags":null,"n":1})", R"({"tags":null,"n":1})"});
  const std::string numbers = "schema: {i: 'list<int>', d: 'list<double>', b: 'list<bool>', y: 'list<bytes>'}";
  CHECK(rows_of(numbers, "- filter: true", {{R"({"i":[1,-2],"d":[1,2.50,1e300],"b":[true],"y":["AAE=",""]})"}}) ==
        Lines{R"({"i":[1,-2],"d":[1.0,2.5,1e+300],"b":[true],"y":["AAE=",""]})"});
}

TEST_CASE("times in lists are read in their unit and written in RFC 3339") {
  const std::string source = "schema: {s: 'list<timestamp(s)>', ms: 'list<timestamp(ms)>', iso: 'list<timestamp(iso)>'}";
  const std::vector<Sent> records{{R"({"s":[1.5],"ms":[1500,0],"iso":["1970-01-01T01:00:00+01:00"]})"}};
  CHECK(rows_of(source, "- filter: \"s[0] == ms[0] && iso.exists(t, t == timestamp(0)) && ms[1] in iso\"", records) ==
        Lines{R"({"s":["1970-01-01T00:00:01.500Z"],"ms":["1970-01-01T00:00:01.500Z","1970-01-01T00:00:00Z"],"iso":["1970-01-01T00:00:00Z"]})"});
}

TEST_CASE("one element of another type refuses the record") {
  const auto one = [](const std::string& list) { return rows_of(kTags, "- filter: true", {{R"({"n":1,"tags":)" + list + "}"}})[0]; };
  CHECK(one(R"(["a",1])").starts_with("type in: field `tags` "));
  CHECK(one(R"(["a",null])").starts_with("type in: field `tags` "));
  CHECK(one(R"([["a"]])").starts_with("type in: field `tags` "));
  CHECK(one(R"("a")").starts_with("type in: field `tags` is a string, not list<string>"));
  CHECK(one(R"(["a")").starts_with("decode in: "));
}

TEST_CASE("macros and operators see lists of rows") {
  const std::vector<Sent> records{{R"({"n":1,"tags":["x","y"]})"}, {R"({"n":2,"tags":[]})"}, {R"({"n":3})"}};
  const std::string null = "expression filter-1: ";
  CHECK(rows_of(kTags, "- filter: \"has(tags) && tags.exists(t, t == 'x')\"", records) ==
        Lines{R"({"tags":["x","y"],"n":1})", "filtered", "filtered"});
  CHECK(rows_of(kTags, "- filter: \"tags.exists(t, t == 'x')\"", records)[2].starts_with(null));
  CHECK(rows_of(kTags, "- select: {s: \"size(coalesce(tags, ['z']))\", x: \"'x' in coalesce(tags, ['z'])\", j: \"coalesce(tags, ['z']).join('+')\"}", records) ==
        Lines{R"({"s":2,"x":true,"j":"x+y"})", R"({"s":0,"x":false,"j":""})", R"({"s":1,"x":false,"j":"z"})"});
}

TEST_CASE("a map makes lists, and later steps see them") {
  const std::vector<Sent> records{{R"({"n":3,"tags":["b","a"]})"}, {R"({"n":0,"tags":[]})"}, {R"({"n":3})"}};
  const auto made = rows_of(kTags, "- map: {upper: \"tags.map(t, t.upperAscii())\", some: '[n, 12 / n]'}\n  "
                                   "- select: {all: \"upper + ['end']\", some: some, most: 'some.filter(x, x > 3)', first: 'upper[0]'}", records);
  CHECK(made[0] == R"({"all":["B","A","end"],"some":[3,4],"most":[4],"first":"B"})");
  CHECK(made[1] == "expression map-1: division by zero");
  CHECK(made[2].starts_with("expression map-1: "));
  CHECK(rows_of("schema: {x: double}", "- select: {l: '[x, x / 0.0, 0.0 / 0.0]', t: '[timestamp(0)]', d: \"[duration('90s')]\", b: \"[b'x']\", u: '[1u]'}",
                {{R"({"x":2})"}}) == Lines{R"({"l":[2.0,null,null],"t":["1970-01-01T00:00:00Z"],"d":["90s"],"b":["eA=="],"u":[1]})"});
}

TEST_CASE("lists of anything are no fields") {
  CHECK_THAT(said_of_file(kTags, "- map: {m: \"[n, 'x']\"}"), Contains("a field cannot be of type list<dyn>"));
  CHECK_THAT(said_of_file("schema: {x: 'int?'}", "- map: {m: '[x]'}"),
             Contains("6:14: error: a field cannot be of type list<dyn>; its elements have to be of one type, and never null"));
  CHECK_THAT(said_of_file(kTags, "- map: {m: '[]'}"), Contains("a field cannot be of type list<dyn>"));
}

TEST_CASE("a list is no key, and most aggregates take none") {
  const auto window = [](const std::string& by, const std::string& aggregate) {
    return said_of_file(kTags, "- window: {tumbling: 1m, by: [" + by + "], aggregates: {c: \"" + aggregate + "\"}}");
  };
  CHECK_THAT(window("tags", "count()"), Contains("6:33: error: `tags` is list<string>, and a list is no key; make a text of it in a `map` "
                                                 "before, such as `tags.join(',')`"));
  for (const char* good : {"count(tags)", "first(tags)", "last(tags)", "arg_max(tags, n)", "sum(size(coalesce(tags, ['x'])))", "last(tags)[0]"}) {
    CHECK_THAT(window("n", good), !Contains("error"));
  }
  for (const char* bad : {"distinct(tags)", "min(tags)", "list(tags, 3)", "top_k(tags, 3)", "approx_distinct(tags)", "sum(tags)", "arg_max(n, tags)"}) {
    CHECK_THAT(window("n", bad), Contains("error"));
    CHECK_THAT(window("n", bad), Contains("not list<string>"));
  }
}

}  // namespace
}  // namespace tidemark
