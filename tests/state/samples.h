// A manifest with something in every field; the golden file holds its bytes.
#pragma once

#include "state/manifest.h"

namespace tidemark {

inline Manifest sample_manifest() {
  Manifest manifest;
  manifest.pipeline = "purchases-5m";
  manifest.name = {"all", 42, "00112233445566778899aabbccddeeff"};
  manifest.files = {{"000012.sst", 123'456, 0xfeedface12345678}, {"CURRENT", 16, 1}, {"MANIFEST-000005", 300, 2}};
  manifest.partitions = {{{"shop.events", 0}, 1'000, Time{1'767'225'600'000'000}, false, false, false},
                         {{"shop.events", 1}, 0, Time::min(), true, true, true}};
  manifest.lane_watermarks = {Time{1'767'225'598'000'000}, Time::min()};
  manifest.lanes = 2;
  manifest.topics = {{"shop.events", 2}};
  manifest.steps = {{"per_user",
                     "window",
                     {{"user_id", "string"}},
                     "sliding size=5m step=1m offset=0s",
                     {{"purchases", "count()", "int"}, {"spent", "sum(amount)", "double"}}}};
  manifest.ended = true;
  manifest.blob = std::string("\0daemon", 7);
  return manifest;
}

}  // namespace tidemark
