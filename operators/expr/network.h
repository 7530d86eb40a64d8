// IP addresses and CIDR ranges as values. An address is 4 or 16 bytes; a range is those and one of its length.
#pragma once

#include <string>

#include "operators/expr/value.h"

namespace tidemark::expr {

// "192.168.0.1", "2001:db8::68", "10.0.0.0/8"
void append_network(const Value& value, std::string& out);

}  // namespace tidemark::expr
