#include "profile.hpp"

#include <chrono>
#include <cstring>

namespace {
ck_profile_row rows[128];
size_t rowCount = 0;
bool isInside = false;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

ck_profile_row &row(const char *name) {
  for (size_t i = 0; i < rowCount; i++) {
    if (rows[i].name == name || std::strcmp(rows[i].name, name) == 0) return rows[i];
  }
  if (rowCount < sizeof rows / sizeof *rows) rowCount++;
  ck_profile_row &made = rows[rowCount - 1];
  made = {name, 0, 0, 0, 0};
  return made;
}
}  // namespace

namespace ck {

bool isProfiling = false;

void Timed::begin(const char *name, double flops, double bytes) {
  if (isInside) return;
  isInside = true;
  name_ = name;
  flops_ = flops;
  bytes_ = bytes;
  started_ = now();
}

void Timed::end() {
  isInside = false;
  ck_profile_row &entry = row(name_);
  entry.seconds += static_cast<double>(now() - started_) * 1e-9;
  entry.calls += 1;
  entry.flops += flops_;
  entry.bytes += bytes_;
}

}  // namespace ck

void ck_profile_start(void) {
  rowCount = 0;
  ck::isProfiling = true;
}

void ck_profile_stop(void) { ck::isProfiling = false; }

size_t ck_profile_rows(const ck_profile_row **result) {
  *result = rows;
  return rowCount;
}

void ck_profile_add(const char *name, double seconds) {
  if (!ck::isProfiling) return;
  ck_profile_row &entry = row(name);
  entry.seconds += seconds;
  entry.calls += 1;
}
