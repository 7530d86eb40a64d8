// The document of explained.h as text: the plan drawn as a tree, with what is to be said of each node below it.
#include <vector>

#include <fmt/format.h>

#include "operators/plan/explained.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

std::string title_of(const Json& node) {
  const std::string summary = node["summary"];
  return fmt::format("{} {}{}{}", node["kind"].get<std::string>(), node["name"].get<std::string>(), summary.empty() ? "" : ": ", summary);
}

// Who takes rows of several stands by itself, behind all that it takes.
class Drawing {
 public:
  explicit Drawing(const Json& document) {
    for (const char* list : {"sources", "steps", "sinks"}) {
      for (const Json& node : document[list]) nodes_.push_back(&node);
    }
  }

  std::string draw() {
    std::string out;
    for (const Json* node : nodes_) {
      if ((*node)["takes"].size() == 1) continue;
      out += title_of(*node) + "\n" + takers_of((*node)["name"], "");
    }
    for (const auto& [stream, title] : {std::pair("late", "late records"), std::pair("dead_letter", "dead letters")}) {
      const std::string takers = takers_of(stream, "");
      if (!takers.empty()) out += std::string(title) + "\n" + takers;
    }
    return out;
  }

 private:
  std::string takers_of(const std::string& name, const std::string& indent) const {
    std::vector<const Json*> takers;
    for (const Json* node : nodes_) {
      if ((*node)["takes"].size() == 1 && (*node)["takes"][0] == name) takers.push_back(node);
    }
    std::string out;
    for (const Json* node : takers) {
      const bool last = node == takers.back();
      out += fmt::format("{}{} {}\n", indent, last ? "└─" : "├─", title_of(*node));
      if ((*node)["kind"] != "sink") out += takers_of((*node)["name"], indent + (last ? "   " : "│  "));
    }
    return out;
  }

  std::vector<const Json*> nodes_;
};

std::string fields_of(const Json& gives) {
  std::string out;
  for (const auto& [name, type] : gives.items()) out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", name, type.get<std::string>());
  return out;
}

std::string notes_of(const Json& part, const std::string& title) {
  std::string out = title + "\n";
  for (const Json& note : part["notes"]) out += "  " + note.get<std::string>() + "\n";
  return out;
}

}  // namespace

std::string explain(const Plan& plan) {
  const Json document = explained(plan);
  std::string out = fmt::format("pipeline {} ({})\n\n", plan.name, plan.file) + Drawing(document).draw();
  for (const char* list : {"sources", "steps", "sinks"}) {
    for (const Json& node : document[list]) {
      out += "\n" + notes_of(node, fmt::format("{} {}", node["kind"].get<std::string>(), node["name"].get<std::string>()));
      if (node.contains("gives")) out += "  gives " + fields_of(node["gives"]) + "\n";
    }
  }
  for (const char* part : {"lanes", "recovery", "checkpoint"}) out += "\n" + notes_of(document[part], part);
  return out;
}

std::string explain_json(const Plan& plan) { return explained(plan).dump(2) + "\n"; }

}  // namespace tidemark
