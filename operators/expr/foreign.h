// What other languages say and CEL says otherwise: from the words of SQL and of other mapping languages to what is meant.
// Only suggestions, and only for what was refused; knows no rules.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::expr {

// A word that stands where no word may stand, such as `AND`; empty where there is nothing to say of it.
std::string hint_for_word(std::string_view word);
// A word behind which something stands that may not, such as `NOT` or `INTERVAL`.
std::string hint_behind_word(std::string_view word);
// Two symbols or texts one directly behind the other, of which the second may not stand there, such as `<` and `>`.
std::string hint_for_pair(std::string_view first, std::string_view second);
// A character that begins nothing, with what follows it.
std::string hint_for_character(std::string_view rest);
// A function that does not exist: called as `name(x)`, or as `x.name()` where it has a receiver.
std::string hint_for_function(std::string_view name, bool receiver);
// Whether other languages name the record like this, as in `this.amount`.
bool names_the_record(std::string_view name);
// A name that is no field, such as `NULL`.
std::string hint_for_name(std::string_view name);

}  // namespace tidemark::expr
