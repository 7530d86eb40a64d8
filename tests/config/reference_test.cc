// The generated documents: every supported word is in them with its default, and what is refused is marked as such.
#include "config/reference.h"

#include <nlohmann/json.hpp>

#include "tests/catch.h"

namespace tidemark {
namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the JSON Schema describes the file") {
  const nlohmann::json schema = nlohmann::json::parse(json_schema());
  CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema["type"] == "object");
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["required"] == nlohmann::json({"name", "sources", "sinks"}));
  CHECK(schema["properties"]["lanes"]["default"] == "32");
  CHECK(schema["properties"]["lanes"]["anyOf"][0]["maximum"] == 65'535);
  const nlohmann::json& step = schema["properties"]["steps"]["items"];
  CHECK(step["properties"].contains("window"));
  CHECK(step["properties"].contains("union"));
  CHECK_FALSE(step["properties"].contains("join"));
  REQUIRE(step["allOf"][0]["oneOf"].size() == 6);
  const nlohmann::json& window = step["properties"]["window"];
  CHECK(window["required"] == nlohmann::json({"aggregates"}));
  CHECK_FALSE(window["description"].get<std::string>().empty());
  const nlohmann::json& source = schema["properties"]["sources"]["additionalProperties"];
  CHECK(source["properties"]["format"]["anyOf"][1]["enum"] == nlohmann::json({"json", "csv", "raw"}));
}

TEST_CASE("the reference names every word, its default and its bounds") {
  const std::string text = reference_markdown();
  CHECK(text.starts_with("# Pipeline reference\n"));
  CHECK(holds(text, "| `name` | Text | Required | The pipeline's name"));
  CHECK(holds(text, "| `max_future` | Duration | `1h` |"));
  CHECK(holds(text, "| `idle_after` | Duration, above 0 | `30s` |"));
  CHECK(holds(text, "| `close_after_idle` | Duration or `off` | `1m` |"));
  CHECK(holds(text, "| `max_record` | Size, above 0, at most 1GiB | `10MiB` |"));
  CHECK(holds(text, "| `every` | Duration, at least 10ms | `5s` |"));
  CHECK(holds(text, "| `lanes` | Whole number, 1 to 65535 | `32` |"));
  CHECK(holds(text, "Not supported yet: `join`."));
  CHECK(holds(text, "## sliding\n"));
  CHECK(holds(text, "```yaml\nsliding: {size: 5m, step: 1m}\n```"));
  CHECK_FALSE(holds(text, "\n\n\n"));
}

TEST_CASE("links of the reference lead to a section") {
  const std::string text = reference_markdown();
  size_t links = 0;
  for (size_t at = 0; (at = text.find("](#", at)) != std::string::npos; ++at, ++links) {
    std::string title = text.substr(at + 3, text.find(')', at) - at - 3);
    for (char& c : title) c = c == '-' ? ' ' : c;
    INFO(title);
    CHECK(holds(text, "\n## " + title + "\n"));
  }
  CHECK(links > 10);
}

}  // namespace tidemark
