// Text of any bytes comes out as valid UTF-8 and as one JSON string.
#include "base/safe_text.h"

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("valid UTF-8 stays, each other byte is replaced") {
  CHECK(valid_utf8("") == "");
  CHECK(valid_utf8("aé€😀") == "aé€😀");
  CHECK(valid_utf8("a\xffz") == "a\xEF\xBF\xBDz");
  CHECK(valid_utf8("\xC3") == "\xEF\xBF\xBD");                             // cut short
  CHECK(valid_utf8("\xC0\xAF") == "\xEF\xBF\xBD\xEF\xBF\xBD");              // overlong
  CHECK(valid_utf8("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
  CHECK(valid_utf8("\xF4\x90\x80\x80").size() == 12);                      // beyond U+10FFFF
}

TEST_CASE("quoted text is one JSON string") {
  std::string out = "x";
  append_quoted("a\"b\\c\n\t\r\x01\x7F é", out);
  CHECK(out == "x\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f é\"");
}

}  // namespace tidemark
