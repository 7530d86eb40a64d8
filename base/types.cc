// Spells types as messages and the contract do; what an element is made of is `dyn` where nobody said. Which operations
// a type allows is the expressions' to know.
#include "base/types.h"

namespace tidemark {

std::string to_string(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNull: return "null";
    case TypeKind::kBool: return "bool";
    case TypeKind::kInt: return "int";
    case TypeKind::kUint: return "uint";
    case TypeKind::kDouble: return "double";
    case TypeKind::kString: return "string";
    case TypeKind::kBytes: return "bytes";
    case TypeKind::kTimestamp: return "timestamp";
    case TypeKind::kDuration: return "duration";
    case TypeKind::kList: return "list<" + (type.element ? to_string(*type.element) : "dyn") + ">";
    case TypeKind::kMap:
      return "map<" + (type.key ? to_string(*type.key) : "dyn") + ", " + (type.element ? to_string(*type.element) : "dyn") + ">";
    case TypeKind::kDyn: return "dyn";
  }
  __builtin_unreachable();
}

}  // namespace tidemark
