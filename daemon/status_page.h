// The page for people at `/`: daemon/status_page.html, carried in the binary. It is the same for everybody; what it shows
// it asks for itself, of the paths beside it.
#pragma once

#include <string_view>

namespace tidemark {

std::string_view status_page();

}  // namespace tidemark
