// The templates of config/spec.h; include that.
#pragma once

#include "config/spec.h"

namespace tidemark {

namespace spec_detail {

// The value of each field of a shape, in order; null where it is not written or was refused. `ok`: nothing was
// reported.
struct Matched {
  std::vector<const Node*> values;
  bool ok = true;
};
// Walks a map against its shape: unknown and refused keys, missing ones, groups. A shorthand scalar is first written
// out into `storage`, which must outlive the answer.
Matched match_fields(const Shape& shape, const Node& node, Node& storage, std::string_view what,
                     Diagnostics& diagnostics);
// "`key`"
std::string quoted(std::string_view key);
// How to make a list of what is none.
std::string list_hint(const Node& node, const Shape& element);
inline constexpr std::string_view kMapHint = "write `NAME: ...` for each, without `- `";

template <class M>
struct Traits {
  static constexpr bool optional = false, located = false, variant = false;
};
template <class V>
struct Traits<std::optional<V>> {
  static constexpr bool optional = true, located = false, variant = false;
};
template <class V>
struct Traits<Located<V>> {
  static constexpr bool optional = false, located = true, variant = false;
};
template <class... V>
struct Traits<std::variant<V...>> {
  static constexpr bool optional = false, located = false, variant = true;
};

}  // namespace spec_detail

namespace kinds {

template <class E>
Kind<E> words(std::vector<std::pair<std::string, E>> values, std::vector<std::string> refused) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  Kind<size_t> index = word_index(std::move(names), std::move(refused));
  Kind<E> kind;
  kind.shape = index.shape;
  kind.read = [index, values](const Node& node, std::string_view what, E& out, Diagnostics& diagnostics) {
    size_t at = 0;
    if (!index.read(node, what, at, diagnostics)) return false;
    out = values[at].second;
    return true;
  };
  kind.show = [values](const E& value) {
    for (const auto& [name, candidate] : values) {
      if (candidate == value) return name;
    }
    return std::string();
  };
  return kind;
}

template <class V>
Kind<std::vector<V>> list(Kind<V> element, bool lone) {
  Kind<std::vector<V>> kind;
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kList;
  shape->element = element.shape;
  shape->lone = lone;
  kind.shape = std::move(shape);
  kind.read = [element, lone](const Node& node, std::string_view what, std::vector<V>& out, Diagnostics& diagnostics) {
    out.clear();
    if (node.kind != Node::Kind::kSequence) {
      if (!lone || node.kind == Node::Kind::kNull) {
        return wrong_kind(node, what, "a list", diagnostics, spec_detail::list_hint(node, *element.shape));
      }
      out.emplace_back();
      return element.read(node, what, out.back(), diagnostics);
    }
    bool ok = true;
    const std::string item_of = "an item of " + std::string(what);
    for (const Node& item : node.items) {
      out.emplace_back();
      ok &= element.read(item, item_of, out.back(), diagnostics);
    }
    return ok;
  };
  return kind;
}

// Reports when a key breaks the rules.
bool check_key(const Located<std::string>& key, const TextRules& rules, Diagnostics& diagnostics);

template <class E, class V>
Kind<std::vector<E>> map(Located<std::string> E::*key, V E::*value, Kind<V> element, TextRules key_rules) {
  return keyed(key, inside(value, std::move(element)), std::move(key_rules));
}

template <class E>
Kind<std::vector<E>> keyed(Located<std::string> E::*key, Kind<E> element, TextRules key_rules) {
  Kind<std::vector<E>> kind;
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kMap;
  shape->element = element.shape;
  shape->pattern = key_rules.pattern;
  kind.shape = std::move(shape);
  kind.read = [=](const Node& node, std::string_view what, std::vector<E>& out, Diagnostics& diagnostics) {
    out.clear();
    if (node.kind != Node::Kind::kMap) {
      return wrong_kind(node, what, "a map", diagnostics, std::string(spec_detail::kMapHint));
    }
    bool ok = true;
    for (const Node::Entry& entry : node.entries) {
      E& filled = out.emplace_back();
      if (!entry.value.bad) ok &= check_key(entry.key, key_rules, diagnostics);
      filled.*key = entry.key;
      ok &= element.read(entry.value, spec_detail::quoted(entry.key.value), filled, diagnostics);
    }
    return ok;
  };
  return kind;
}

template <class M, class V>
Kind<M> inside(V M::*member, Kind<V> kind) {
  Kind<M> out{kind.shape, nullptr, nullptr};
  out.read = [kind, member](const Node& node, std::string_view what, M& value, Diagnostics& diagnostics) {
    return kind.read(node, what, value.*member, diagnostics);
  };
  return out;
}

template <class M, class V>
Kind<M> lift(Kind<V> kind) {
  if constexpr (std::is_same_v<M, V>) {
    return kind;
  } else if constexpr (spec_detail::Traits<M>::optional) {
    using Inner = typename M::value_type;
    Kind<Inner> inner = lift<Inner>(std::move(kind));
    Kind<M> out{inner.shape, nullptr, nullptr};
    out.read = [inner](const Node& node, std::string_view what, M& value, Diagnostics& diagnostics) {
      return inner.read(node, what, value.emplace(), diagnostics);
    };
    return out;
  } else if constexpr (spec_detail::Traits<M>::located) {
    using Inner = decltype(M::value);
    Kind<Inner> inner = lift<Inner>(std::move(kind));
    Kind<M> out{inner.shape, nullptr, nullptr};
    out.read = [inner](const Node& node, std::string_view what, M& value, Diagnostics& diagnostics) {
      value.where = node.where();
      return inner.read(node, what, value.value, diagnostics);
    };
    if (inner.show) out.show = [inner](const M& value) { return inner.show(value.value); };
    return out;
  } else {
    static_assert(spec_detail::Traits<M>::variant, "no way to fill this member from this kind of value");
    Kind<M> out{kind.shape, nullptr, nullptr};
    out.read = [kind](const Node& node, std::string_view what, M& value, Diagnostics& diagnostics) {
      return kind.read(node, what, value.template emplace<V>(), diagnostics);
    };
    return out;
  }
}

}  // namespace kinds

template <class T>
Spec<T>::Spec(std::string name, std::string doc, std::string example) {
  parts_.shape.form = Shape::Form::kStruct;
  parts_.shape.name = std::move(name);
  parts_.shape.doc = std::move(doc);
  parts_.shape.example = std::move(example);
}

template <class T>
template <class M, class V>
Spec<T>& Spec<T>::add(FieldShape field, M T::*member, Kind<V> kind) {
  Kind<M> lifted = kinds::lift<M>(std::move(kind));
  field.shape = lifted.shape;
  if (lifted.show && !field.required && field.group.empty()) field.default_text = lifted.show(T{}.*member);
  parts_.shape.fields.push_back(std::move(field));
  parts_.readers.push_back(
      {[lifted, member](const Node& node, std::string_view what, T& out, Diagnostics& diagnostics) {
        return lifted.read(node, what, out.*member, diagnostics);
      }});
  return *this;
}

template <class T>
template <class M, class V>
Spec<T>& Spec<T>::field(std::string key, M T::*member, Kind<V> kind, std::string doc) {
  return add({std::move(key), std::move(doc), nullptr, false, true, {}, {}}, member, std::move(kind));
}

template <class T>
template <class M, class V>
Spec<T>& Spec<T>::required(std::string key, M T::*member, Kind<V> kind, std::string doc) {
  return add({std::move(key), std::move(doc), nullptr, true, true, {}, {}}, member, std::move(kind));
}

template <class T>
template <class M, class V>
Spec<T>& Spec<T>::choice(std::string group, std::string key, M T::*member, Kind<V> kind, std::string doc) {
  auto& groups = parts_.shape.required_groups;
  if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  return add({std::move(key), std::move(doc), nullptr, false, true, std::move(group), {}}, member, std::move(kind));
}

template <class T>
Spec<T>& Spec<T>::refused(std::string key, std::string doc, std::string group) {
  parts_.shape.fields.push_back(
      {std::move(key), std::move(doc), std::make_shared<Shape>(), false, false, std::move(group), {}});
  parts_.readers.push_back({nullptr});
  return *this;
}

template <class T>
Spec<T>& Spec<T>::foreign(std::vector<std::string> words, std::string key, std::string hint) {
  if (hint.empty()) hint = "write " + spec_detail::quoted(key);
  parts_.shape.foreign.push_back({std::move(words), std::move(key), std::move(hint)});
  return *this;
}

template <class T>
Spec<T>& Spec<T>::place(Location T::*member) {
  parts_.place = member;
  return *this;
}

template <class T>
Spec<T>& Spec<T>::sound(bool T::*member, std::vector<std::string> keys) {
  parts_.sound.emplace_back(member, std::move(keys));
  return *this;
}

template <class T>
Spec<T>& Spec<T>::shorthand(std::string key) {
  parts_.shape.shorthand = std::move(key);
  return *this;
}

template <class T>
Spec<T>& Spec<T>::word_shorthand() {
  parts_.shape.word_shorthand = true;
  return *this;
}

template <class T>
Spec<T>& Spec<T>::check(std::function<void(const T&, Diagnostics&)> check) {
  parts_.checks.push_back({std::move(check), std::nullopt});
  return *this;
}

template <class T>
Spec<T>& Spec<T>::check(std::function<void(const T&, Diagnostics&)> check, std::vector<std::string> keys) {
  parts_.checks.push_back({std::move(check), std::move(keys)});
  return *this;
}

template <class T>
Kind<T> Spec<T>::kind() const {
  const auto parts = std::make_shared<const Parts>(parts_);
  Kind<T> kind;
  kind.shape = ShapePtr(parts, &parts->shape);
  kind.read = [parts](const Node& node, std::string_view what, T& out, Diagnostics& diagnostics) {
    Node storage;
    const spec_detail::Matched matched = spec_detail::match_fields(parts->shape, node, storage, what, diagnostics);
    bool ok = matched.ok;
    std::vector<std::string_view> unsound;
    for (size_t i = 0; i < matched.values.size(); ++i) {
      const std::string& key = parts->shape.fields[i].key;
      const bool read = matched.values[i] ? parts->readers[i].read(*matched.values[i], spec_detail::quoted(key), out, diagnostics)
                                          : matched.ok;
      ok &= read;
      if (!read) unsound.push_back(key);
    }
    const auto is_sound = [&](const std::string& key) { return std::ranges::find(unsound, key) == unsound.end(); };
    for (const auto& [member, keys] : parts->sound) out.*member = std::ranges::all_of(keys, is_sound);
    if (parts->place) out.*(parts->place) = node.where();
    const size_t before = diagnostics.all().size();
    for (const auto& check : parts->checks) {
      if (check.keys ? std::ranges::all_of(*check.keys, is_sound) : ok) check.run(out, diagnostics);
    }
    for (size_t i = before; i < diagnostics.all().size(); ++i) ok &= diagnostics.all()[i].severity != Severity::kError;
    return ok;
  };
  return kind;
}

}  // namespace tidemark
