// Only words are here; what runs for each record is in the header.
#include "operators/formats/staged_row.h"

namespace tidemark {

std::string written_type(const DeclaredField& field) {
  if (field.type.kind != TypeKind::kTimestamp) return to_string(field.type);
  switch (field.unit) {
    case TimestampUnit::kSeconds: return "timestamp(s)";
    case TimestampUnit::kMillis: return "timestamp(ms)";
    case TimestampUnit::kMicros: return "timestamp(us)";
    case TimestampUnit::kIso: return "timestamp(iso)";
  }
  __builtin_unreachable();
}

}  // namespace tidemark
