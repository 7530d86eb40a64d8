#include "operators/aggregates/reference.h"

#include <fmt/format.h>

#include "operators/aggregates/aggregate.h"

namespace tidemark {

std::string aggregates_markdown() {
  std::string out =
      "## Aggregates\n\n"
      "What the expressions of a window's `aggregates` may call. Any may end in `.where(condition)`, which counts only "
      "the\nrows where the condition is true, and stand inside an ordinary expression. Nulls are skipped; the order of "
      "the rows\nnever changes a result, to the bit.\n\n"
      "```yaml\naggregates:\n  purchases: count()\n  big_share: double(count().where(amount > 100.0)) / "
      "double(count())\n```\n\n"
      "| Function | Meaning |\n|---|---|\n";
  for (const AggregateFunction& function : aggregate_functions()) {
    out += fmt::format("| `{}` | {} |\n", function.signature, function.doc);
  }
  return out;
}

}  // namespace tidemark
