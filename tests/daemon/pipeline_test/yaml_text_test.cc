// What is written for people and into files is read back as what it was.
#include "daemon/pipeline_test/yaml_text.h"

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("text is quoted where it would be read as something else") {
  for (const char* plain : {"ada", "e1", "a b", "it's", "2026-01-01T00:00:00Z", "a-b", "x#y", "a:b", "ä", "nullable", "truely"}) {
    CHECK(yaml_scalar(plain) == plain);
  }
  for (const char* other : {"", " a", "a ", "5", "-1.5", "1e3", "0x1f", "true", "Null", "~", ".inf", "NO", "2026-01-01", "a: b", "a #b",
                            "a, b", "[a]", "{a}", "- a", "? a", "*a", "&a", "!a", "%a", "@a", "`a`", "a?", "key:", "'a", "\"a\""}) {
    INFO(other);
    const std::string written = yaml_scalar(other);
    CHECK(written.front() == '\'');
    Diagnostics diagnostics;
    const auto read = parse_yaml("k: [{v: " + written + "}]\n", "f", {}, diagnostics);
    REQUIRE(read);
    CHECK(diagnostics.all().empty());
    CHECK(read->find("k")->items[0].find("v")->text.value == other);
  }
}

TEST_CASE("control characters, references and long texts survive") {
  for (const std::string& text : {std::string("a\nb\t\x01\x7f\"\\"), std::string("costs ${PRICE}"), std::string(200'000, '7')}) {
    Diagnostics diagnostics;
    const auto read = parse_yaml("v: " + yaml_scalar(text) + "\n", "f", {}, diagnostics);
    REQUIRE(read);
    CHECK(diagnostics.all().empty());
    CHECK(read->find("v")->text.value == text);
  }
}

TEST_CASE("values of rows in one line") {
  const auto value = nlohmann::ordered_json::parse(R"({"user":"a","n":2,"x":2.0,"ok":true,"none":null,"top":[{"value":"b c","count":1}],"odd key:":[]})");
  CHECK(yaml_flow(value) == "{user: a, n: 2, x: 2.0, ok: true, none: null, top: [{value: b c, count: 1}], 'odd key:': []}");
}

}  // namespace tidemark
