// Makes a Markdown row of each entry in the functions' table. The words of the rows are the functions' own; only the
// paragraphs above them are written here.
#include "operators/aggregates/reference.h"

#include <fmt/format.h>

#include "operators/aggregates/aggregate.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {

std::string aggregates_markdown() {
  std::string out =
      "## Aggregates\n\n"
      "What the expressions of a window's `aggregates` may call. Any may end in `.where(condition)`, which counts only "
      "the\nrows where the condition is true, and stand inside an ordinary expression. Nulls are skipped; the order of "
      "the rows\nnever changes a result, to the bit, but of `approx_top_k`.\n\n"
      "```yaml\naggregates:\n  purchases: count()\n  big_share: double(count().where(amount > 100.0)) / "
      "double(count())\n```\n\n"
      "Numbers behind the columns are written out, as in `quantile(latency, 0.99)`. `ordered` stands for bool, int, "
      "uint, double,\nstring, bytes, timestamp or duration. The memory is that of a key in one slice, besides the key.\n\n"
      "| Function | Takes | Gives | Meaning | Memory |\n|---|---|---|---|---|\n";
  for (const AggregateFunction& function : aggregate_functions()) {
    std::string_view takes = function.takes;
    if (takes == kOrderedTypes) takes = "ordered";
    if (takes == kKeptTypes) takes = "ordered or list";
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", function.signature, takes, function.gives, function.doc,
                       function.memory);
  }
  return out;
}

}  // namespace tidemark
