// Specs of components: one declaration says what a map in the file may hold, fills a plain struct from it, and
// describes itself for the JSON Schema and the reference docs. A Kind<V> reads one value; a Spec<T> gathers fields into
// a Kind<T>. It deliberately does not know any component.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/diagnostic.h"
#include "base/time.h"
#include "config/yaml.h"

namespace tidemark {

struct Shape;
using ShapePtr = std::shared_ptr<const Shape>;

// One key of a map, for people and editors.
struct FieldShape {
  std::string key;
  std::string doc;
  ShapePtr shape;
  bool required = false;
  bool supported = true;      // false: a word of the language that is refused as not supported yet
  std::string group;          // fields of one group exclude each other; exactly one is written (see Spec::exactly_one)
  std::string default_text;   // as it would be written; empty if there is none to show
};

// Words by which other systems call a key.
struct ForeignWords {
  std::vector<std::string> words;  // in small letters, `-` and `.` written as `_`; none: whatever is near no key
  std::string key;                 // the key that is meant; empty where this map has none for it
  std::string hint;                // what to write instead
};

// The type-erased description of a kind of value: what docs and JSON Schema are generated from.
struct Shape {
  enum class Form {
    kText, kBool, kInt, kDouble, kDuration, kSize, kTime, kExpression,
    kWords,    // one of `words`
    kList,     // of `element`; a lone element may stand for a list of one when `lone`
    kMap,      // any key -> `element`
    kStruct,   // `fields`; any other key -> `element`, if there is one, else refused
    kEither,   // any of `choices`
    kAny,      // not looked at
  };
  Form form = Form::kAny;
  std::string name;                 // of structs: how the docs call it
  std::string doc;
  std::string example;              // YAML
  std::vector<std::string> words;
  std::optional<int64_t> min, max;  // of numbers; durations in microseconds, sizes in bytes
  std::string pattern;              // of texts: an ECMAScript regular expression, may be empty
  bool lone = false;
  ShapePtr element;
  std::vector<FieldShape> fields;
  std::vector<std::string> required_groups;
  std::vector<ForeignWords> foreign;
  std::string shorthand;            // of structs: a scalar stands for this field
  bool word_shorthand = false;  // of structs: a scalar that names a field of a group stands for that field's defaults
  std::vector<ShapePtr> choices;
};

// How one kind of value is read. `what` names the value in messages ("`size`"). read() answers false after it has
// reported why; `out` is then unspecified.
template <class V>
struct Kind {
  ShapePtr shape;
  std::function<bool(const Node& node, std::string_view what, V& out, Diagnostics& diagnostics)> read;
  std::function<std::string(const V&)> show;  // as it would be written; may be empty
};

namespace kinds {

struct TextRules {
  std::string pattern;       // for the JSON Schema only; `check` is what counts
  size_t max_size = 65'536;
  bool may_be_empty = false;
  std::function<std::string(std::string_view)> check;  // what is wrong ("may not ..."), or nothing
};
Kind<std::string> text(TextRules rules = {});
Kind<bool> boolean();
Kind<int64_t> integer(std::optional<int64_t> min = {}, std::optional<int64_t> max = {});
Kind<double> number();
Kind<Duration> duration(std::optional<Duration> min = {}, std::optional<Duration> max = {});
inline Kind<Duration> positive_duration() { return duration(Duration::micros(1)); }
// Bytes, as "64MiB".
Kind<int64_t> size(std::optional<int64_t> min = {}, std::optional<int64_t> max = {});
// RFC 3339.
Kind<Time> time();
// Not looked at but for YAML's own traps (see PIPELINES "YAML"); operators/expr parses it.
Kind<SourceText> expression();
// Structure only: carried on as it is.
Kind<Node> any();
// A duration, or `word` for none.
Kind<std::optional<Duration>> duration_or(std::string word, std::optional<Duration> min = {});

// One of several words. `refused` are words of the language that are not supported yet.
Kind<size_t> word_index(std::vector<std::string> words, std::vector<std::string> refused);
template <class E>
Kind<E> words(std::vector<std::pair<std::string, E>> values, std::vector<std::string> refused = {});

// A list; with `lone`, a value that is no list stands for a list of one.
template <class V>
Kind<std::vector<V>> list(Kind<V> element, bool lone = false);

// A map of anything to one kind of value, in written order. `E` is {Located<std::string> KEY; V VALUE}, by its members.
template <class E, class V>
Kind<std::vector<E>> map(Located<std::string> E::*key, V E::*value, Kind<V> element, TextRules key_rules = {});

// A map of anything to structs that hold their key themselves.
template <class E>
Kind<std::vector<E>> keyed(Located<std::string> E::*key, Kind<E> element, TextRules key_rules = {});

// A struct that is written as one of its members alone.
template <class M, class V>
Kind<M> inside(V M::*member, Kind<V> kind);

// Makes a Kind<V> fill an M that is V, Located<M'>, std::optional<M'>, or a variant with V among its alternatives.
template <class M, class V>
Kind<M> lift(Kind<V> kind);

}  // namespace kinds

// Reports: `what` must be `wanted`, and what stands there instead. Always false, for read().
bool wrong_kind(const Node& node, std::string_view what, std::string_view wanted, Diagnostics& diagnostics,
                std::string hint = {});

// Builds Kind<T> for a plain struct. Defaults are those of T{}: the struct is the only place that says them.
template <class T>
class Spec {
 public:
  Spec(std::string name, std::string doc, std::string example = {});

  // `key: value` fills `member`; see kinds::lift for which members take which kinds.
  template <class M, class V>
  Spec& field(std::string key, M T::*member, Kind<V> kind, std::string doc);
  // The same, and its absence is an error.
  template <class M, class V>
  Spec& required(std::string key, M T::*member, Kind<V> kind, std::string doc);
  // The same, as one of the keys of `group`, of which exactly one must be written.
  template <class M, class V>
  Spec& choice(std::string group, std::string key, M T::*member, Kind<V> kind, std::string doc);
  // A key that is known but refused as not supported yet. With a group it counts as that group's choice.
  Spec& refused(std::string key, std::string doc, std::string group = {});

  // Words that are no keys here but mean one, or something else that `hint` says; by default: write `key`. Without words
  // it is said of all that is near no key.
  Spec& foreign(std::vector<std::string> words, std::string key, std::string hint = {});

  // Where the value starts is kept in `member`.
  Spec& place(Location T::*member);
  // Whether all of `keys` are as they were meant is kept in `member`: none was refused, and none that is missing may be
  // a misspelt one.
  Spec& sound(bool T::*member, std::vector<std::string> keys);
  // A scalar in place of the map fills this field.
  Spec& shorthand(std::string key);
  // A scalar that is the key of a choice stands for that choice with its defaults: `json` for `{json: {}}`.
  Spec& word_shorthand();
  // What the fields cannot say one by one; runs when all of them were read, or all of `keys` are as they were meant, as with
  // sound().
  Spec& check(std::function<void(const T&, Diagnostics&)> check);
  Spec& check(std::function<void(const T&, Diagnostics&)> check, std::vector<std::string> keys);

  Kind<T> kind() const;

 private:
  struct Reader {
    std::function<bool(const Node&, std::string_view what, T&, Diagnostics&)> read;
  };
  struct Check {
    std::function<void(const T&, Diagnostics&)> run;
    std::optional<std::vector<std::string>> keys;
  };
  struct Parts {
    Shape shape;
    std::vector<Reader> readers;  // as shape.fields
    Location T::*place = nullptr;
    std::vector<std::pair<bool T::*, std::vector<std::string>>> sound;
    std::vector<Check> checks;
  };
  template <class M, class V>
  Spec& add(FieldShape field, M T::*member, Kind<V> kind);
  Parts parts_;
};

}  // namespace tidemark

#include "config/spec_inl.h"
